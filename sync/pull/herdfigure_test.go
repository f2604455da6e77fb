package pull

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The figure and the tables in docs are what the simulation gives: go test ./sync/pull -run TestHerd -update draws them anew, and make
// herd UPDATE=1 does so for the large fleet. Look at them when the pace of the loop was changed on purpose; a difference that nobody
// meant is a mistake in the loop.

const (
	figureFile = "../../docs/herd.svg"
	pageFile   = "../../docs/herds.md"
)

func checkFigures(t *testing.T, herds []*herd) {
	golden(t, pageFile, func(page []byte) []byte { return withTable(t, page, herds) })
	if *herdPods == 10_000 {
		golden(t, figureFile, func([]byte) []byte { return draw(herds) })
	}
}

// golden compares a file with what it should be, or writes it.
func golden(t *testing.T, name string, render func(old []byte) []byte) {
	t.Helper()
	old, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil && !*update {
		t.Fatal(err)
	}
	now := render(old)
	switch {
	case bytes.Equal(old, now):
	case *update:
		if err := os.WriteFile(filepath.FromSlash(name), now, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the simulation gives; if the pace was changed on purpose, -update draws it anew", name)
	}
}

// withTable puts the fleet's figures into the page, in the place that is marked for a fleet of its size.
func withTable(t *testing.T, page []byte, herds []*herd) []byte {
	t.Helper()
	begin := fmt.Sprintf("<!-- figures of %d -->\n", *herdPods)
	before, rest, found := bytes.Cut(page, []byte(begin))
	_, after, ended := bytes.Cut(rest, []byte("<!-- end -->\n"))
	if !found || !ended {
		t.Skipf("%s has no place for a fleet of %d", pageFile, *herdPods)
	}
	var out bytes.Buffer
	out.Write(before)
	out.WriteString(begin + "\n| scenario | most requests a second | of these refused | after the outage: first answers, all requests | attempts of the unluckiest | done: half, 99 %, all |\n|---|---|---|---|---|---|\n")
	for _, h := range herds {
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s |\n", h.name, thousands(h.peak(0, h.until, second.asked)), h.refusals(), h.comeback(), h.attempts(), h.done())
	}
	out.WriteString("\n<!-- end -->\n")
	out.Write(after)
	return out.Bytes()
}

func (h *herd) refusals() string {
	if most := h.peak(0, h.until, func(s second) int { return s.refused }); most > 0 {
		return thousands(most)
	}
	return "–"
}

func (h *herd) comeback() string {
	if h.back == 0 {
		return "–"
	}
	return thousands(h.peak(h.back, h.until, func(s second) int { return s.first })) + ", " + thousands(h.peak(h.back, h.until, second.asked))
}

func (h *herd) attempts() string {
	if h.back == 0 {
		return "–"
	}
	return fmt.Sprint(h.failures())
}

// done tells when the fleet had what it waited for: the new revision, its first flags, or the store again.
func (h *herd) done() string {
	switch {
	case h.publishedAt > 0, !h.known && h.back == 0:
		times := h.arrivals()
		return fmt.Sprintf("%.1f, %.1f, %.1f s", share(times, 0.5).Seconds(), share(times, 0.99).Seconds(), share(times, 1).Seconds())
	case h.back > 0:
		return fmt.Sprintf("all %.1f s after it", (h.last(func(p *pod) time.Duration { return p.recovered }) - h.back).Seconds())
	default:
		return "–"
	}
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// The figure's measures, in pixels.
const (
	panelWidth, panelHeight = 480, 220
	plotLeft, plotTop       = 58, 44
	plotWidth, plotHeight   = 402, 136
	legendHeight            = 66
)

// band is one kind of request in the figure; bands are stacked.
type band struct {
	name, colour string
	of           func(second) int
}

var bands = []band{
	{"head answered", "#3b6ea8", func(s second) int { return s.heads }},
	{"bundle answered", "#3f9b6c", func(s second) int { return s.bundles }},
	{"refused with 503", "#d9822b", func(s second) int { return s.refused }},
}

// draw makes the figure: a panel a scenario, two side by side.
func draw(herds []*herd) []byte {
	herds = herds[:6]
	var out bytes.Buffer
	width, height := 2*panelWidth, legendHeight+(len(herds)+1)/2*panelHeight
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n", width, height, width, height)
	fmt.Fprintf(&out, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	for i, b := range bands {
		fmt.Fprintf(&out, `<rect x="%d" y="14" width="12" height="12" fill="%s"/><text x="%d" y="24">%s</text>`+"\n", plotLeft+150*i, b.colour, plotLeft+150*i+17, b.name)
	}
	fmt.Fprintf(&out, `<path d="M%d 20h24" stroke="#b00020" stroke-dasharray="5 3"/><text x="%d" y="24">bound that the test asserts</text>`+"\n", plotLeft+450, plotLeft+480)
	fmt.Fprintf(&out, `<text x="%d" y="48">%s sidecars that all start within one second, polling every %v; where they have no flags, the store answers at most %s requests a second</text>`+"\n",
		plotLeft, thousands(len(herds[0].pods)), herds[0].poll, thousands(s3Rate))
	for i, h := range herds {
		h.panel(&out, i%2*panelWidth, legendHeight+i/2*panelHeight)
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

func (h *herd) panel(out *bytes.Buffer, x, y int) {
	most := h.peak(0, h.until, second.asked)
	for _, b := range h.bounds() {
		most = max(most, b.most)
	}
	step := niceStep(most)
	top := (most + step - 1) / step * step
	level := func(n float64) float64 { return float64(plotHeight) * (1 - n/float64(top)) }
	at := func(d time.Duration) float64 { return float64(plotWidth) * d.Seconds() / h.until.Seconds() }
	fmt.Fprintf(out, `<g transform="translate(%d %d)"><text x="0" y="-14" font-size="13" font-weight="bold">%s</text>`+"\n", x+plotLeft, y+plotTop, h.title())
	for n := 0; n <= top; n += step {
		fmt.Fprintf(out, `<path d="M0 %.1fh%d" stroke="#ddd"/><text x="-6" y="%.1f" text-anchor="end">%s</text>`+"\n", level(float64(n)), plotWidth, level(float64(n))+4, thousands(n))
	}
	fmt.Fprintf(out, `<text transform="translate(-46 %d) rotate(-90)" text-anchor="middle" fill="#555">requests a second</text>`+"\n", plotHeight/2)
	h.ticks(out, at)
	h.stack(out, level, at)
	for _, b := range h.bounds() {
		x, y, anchor := at(b.to)-2, level(float64(b.most))-4, "end"
		if at(b.to-b.from) < 40 { // the line is shorter than its number
			x, y, anchor = at(b.to)+4, y+8, "start"
		}
		fmt.Fprintf(out, `<path d="M%.1f %.1fH%.1f" stroke="#b00020" stroke-dasharray="5 3"/><text x="%.1f" y="%.1f" text-anchor="%s" fill="#b00020">%s</text>`+"\n",
			at(b.from), level(float64(b.most)), at(b.to), x, y, anchor, thousands(b.most))
	}
	out.WriteString("</g>\n")
}

func (h *herd) title() string {
	title := strings.ToUpper(h.name[:1]) + h.name[1:]
	if h.publishedAt > 0 {
		return fmt.Sprintf("%s at %v s", title, h.publishedAt.Seconds())
	}
	if h.away > 0 {
		return fmt.Sprintf("%s, from %v to %v min", title, h.away.Minutes(), h.back.Minutes())
	}
	return title
}

// ticks draws the axis of time.
func (h *herd) ticks(out *bytes.Buffer, at func(time.Duration) float64) {
	every := time.Minute
	if h.until <= 3*time.Minute {
		every = 20 * time.Second
	} else if h.until > 10*time.Minute {
		every = 2 * time.Minute
	}
	for d := time.Duration(0); d <= h.until; d += every {
		text := fmt.Sprintf("%v s", d.Seconds())
		if every >= time.Minute {
			text = fmt.Sprintf("%v min", d.Minutes())
		}
		fmt.Fprintf(out, `<path d="M%.1f %dv4" stroke="#555"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", at(d), plotHeight, at(d), plotHeight+16, text)
	}
}

// stack draws one area a band, from the sum of all to the first, each over the one before.
func (h *herd) stack(out *bytes.Buffer, level func(float64) float64, at func(time.Duration) float64) {
	for i := len(bands); i > 0; i-- {
		if h.peak(0, h.until, bands[i-1].of) == 0 {
			continue
		}
		fmt.Fprintf(out, `<path d="M0 %d`, plotHeight)
		for j, seen := range h.seconds[:h.until/time.Second] {
			sum := 0
			for _, b := range bands[:i] {
				sum += b.of(seen)
			}
			fmt.Fprintf(out, "V%.1fH%.1f", level(float64(sum)), at(time.Duration(j+1)*time.Second))
		}
		fmt.Fprintf(out, `V%dz" fill="%s"/>`+"\n", plotHeight, bands[i-1].colour)
	}
}

// niceStep is the distance between the lines of a scale that reaches so far.
func niceStep(most int) int {
	for step := 1; ; step *= 10 {
		for _, nice := range []int{step, 2 * step, 5 * step} {
			if most <= 5*nice {
				return nice
			}
		}
	}
}
