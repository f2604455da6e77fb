//go:build linux

// Socketbench measures what an evaluation costs over the Unix socket of a real
// burgee process, against a floor that does nothing but answer: fasthttp with a
// constant. Client, floor and sidecar are processes of their own.
//
//	go run ./test/socketbench -bin bin
//
// Rounds of floor and sidecar alternate, so that whatever else the machine does
// meets both; what is printed are medians over the rounds. The steady figure is
// the server's CPU time per request; latency includes a client on the same cores.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// settings say how long to measure, and what.
type settings struct {
	bin    string
	rounds int
	window time.Duration // measured in each round, for each pair
	warmup time.Duration
	swaps  bool
	only   string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == floorCommand {
		exit(serveFloor(os.Args[2:]))
	}
	var s settings
	flag.StringVar(&s.bin, "bin", "bin", "folder with burgee and burgeectl")
	flag.IntVar(&s.rounds, "rounds", 7, "rounds; medians are over these")
	flag.DurationVar(&s.window, "window", 500*time.Millisecond, "time measured in a round, for each figure")
	flag.DurationVar(&s.warmup, "warmup", 100*time.Millisecond, "time before it that does not count")
	flag.BoolVar(&s.swaps, "swaps", true, "also measure while flags are published")
	flag.StringVar(&s.only, "only", "", "measure this case alone")
	flag.Parse()
	exit(measure(os.Stdout, s))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "socketbench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// measure prints the whole report.
func measure(out io.Writer, s settings) (err error) {
	dir, err := os.MkdirTemp("", "socketbench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	shop, err := openShop(s.bin, dir)
	if err != nil {
		return err
	}
	defer shop.close()
	if err := singles(out, s, shop); err != nil {
		return err
	}
	if err := bulks(out, s, shop); err != nil || !s.swaps {
		return err
	}
	return swaps(out, s, shop)
}

// connections are how many clients there are at once.
var connections = []int{1, 8}

// singles compares one evaluation with the floor, for each kind of flag and number of connections.
func singles(out io.Writer, s settings, shop *shop) error {
	burgee, err := shop.sidecar("single", document(manyFlags))
	if err != nil {
		return err
	}
	floor, err := shop.floor("floor", sampleAnswer)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d flags; medians of %d rounds of %v; resident %d KiB\n\n", manyFlags, s.rounds, s.window, burgee.resident())
	fmt.Fprintf(out, "%-16s %5s   %s\n", "case", "conns", pairHeader)
	for _, c := range singleCases {
		for _, conns := range connections {
			if s.only != "" && s.only != c.name {
				continue
			}
			p, err := compare(s, floor, burgee, c.requests(), conns)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			fmt.Fprintf(out, "%-16s %5d   %s\n", c.name, conns, p)
		}
	}
	return errors.Join(burgee.stop(), floor.stop())
}

// bulks tells what a flag adds to a bulk answer beyond a constant one of the same size.
func bulks(out io.Writer, s settings, shop *shop) error {
	if s.only != "" && s.only != "bulk" {
		return nil
	}
	burgee, err := shop.sidecar("bulk", document(bulkFlags))
	if err != nil {
		return err
	}
	answer, err := burgee.ask(bulkRequests()[0])
	if err != nil {
		return err
	}
	floor, err := shop.floor("bulkfloor", answer)
	if err != nil {
		return err
	}
	for _, conns := range connections {
		p, err := compare(s, floor, burgee, bulkRequests(), conns)
		if err != nil {
			return fmt.Errorf("bulk: %w", err)
		}
		fmt.Fprintf(out, "%-16s %5d   %s   %.0f ns CPU a flag beyond the floor\n", "bulk", conns, p, p.beyond()*1000/bulkFlags)
	}
	fmt.Fprintf(out, "\nbulk: %d flags, %d bytes\n", bulkFlags, len(answer))
	return errors.Join(burgee.stop(), floor.stop())
}

// swaps compares latency while flags are published to the sidecar's store with latency while they are published to another one: the
// publisher takes the same share of the machine both times.
func swaps(out io.Writer, s settings, shop *shop) error {
	if s.only != "" && s.only != "swaps" {
		return nil
	}
	burgee, err := shop.sidecar("swaps", document(manyFlags))
	if err != nil {
		return err
	}
	if err := os.Mkdir(shop.path("elsewhere"), 0o700); err != nil {
		return err
	}
	stores, rounds, revisions := [...]string{"elsewhere", "swaps"}, [2][]figures{}, [2]int{}
	for range s.rounds {
		for i, store := range stores {
			publisher := shop.publishAway(store, manyFlags)
			one, err := load(burgee, singleCases[1].requests(), 8, s.warmup, 2*s.window, anyAnswer)
			published, failure := publisher.stop()
			if err := errors.Join(err, failure); err != nil {
				return err
			}
			rounds[i], revisions[i] = append(rounds[i], one), revisions[i]+published
		}
	}
	still, swapped := medianOf(rounds[0]), medianOf(rounds[1])
	fmt.Fprintf(out, "swaps: %d revisions under load of 8 connections, no request failed; p99 %.0f µs; with %d published elsewhere %.0f µs: %.2f ×\n",
		revisions[1], swapped.p99, revisions[0], still.p99, swapped.p99/still.p99)
	return burgee.stop()
}

func (s *shop) path(name string) string { return filepath.Join(s.dir, name) }
