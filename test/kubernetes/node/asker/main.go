// Command asker is an application for tests on a node: it reads its flag over the sidecar's socket and over TCP, each time anew, and logs
// whenever what it reads changes. It runs as whichever user its pod says, and knows of the sidecar what the environment tells it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Line is what is logged.
type Line struct {
	Time   time.Time `json:"time"`
	Event  string    `json:"event"`          // begin, read, write, terminated, end
	Over   string    `json:"over,omitempty"` // socket, tcp
	Answer Answer    `json:"answer,omitzero"`
	Error  string    `json:"error,omitempty"`
	User   int       `json:"user,omitempty"`
	Reads  int       `json:"reads,omitempty"`
	Failed int       `json:"failed,omitempty"`
}

// Answer is what a read gave; two that are alike are no change.
type Answer struct {
	Value    float64 `json:"value"`
	Revision string  `json:"revision"`
	Reason   string  `json:"reason"`
}

// way is one of the two to the sidecar.
type way struct {
	name, url string
	client    *http.Client

	seen          bool
	answer        Answer
	failure       string
	reads, failed int
}

func main() {
	os.Exit(run())
}

func run() int {
	every := flag.Duration("every", 100*time.Millisecond, "how often the flag is read")
	end := flag.Duration("for", 0, "when to end; 0 for not before SIGTERM")
	linger := flag.Duration("linger", time.Second, "how long to go on after SIGTERM, as an application does that finishes its requests")
	name := flag.String("flag", "pay", "which flag")
	flag.Parse()

	log := json.NewEncoder(os.Stdout)
	say := func(l Line) {
		l.Time = time.Now()
		_ = log.Encode(l) // nobody is there to be told
	}
	say(Line{Event: "begin", User: os.Getuid()})
	ways, err := findWays(*name)
	if err != nil {
		say(Line{Event: "end", Error: err.Error()})
		return 1
	}
	say(Line{Event: "write", Error: write(filepath.Dir(os.Getenv("BURGEE_SOCKET")))})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if *end > 0 {
		ctx, stop = context.WithTimeout(ctx, *end)
		defer stop()
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	tick := time.NewTicker(*every)
	defer tick.Stop()
	for {
		for _, w := range ways {
			if changed := w.read(); changed {
				say(Line{Event: "read", Over: w.name, Answer: w.answer, Error: w.failure, Reads: w.reads, Failed: w.failed})
			}
		}
		select {
		case <-tick.C:
		case <-terminated:
			say(Line{Event: "terminated"})
			time.AfterFunc(*linger, stop)
		case <-ctx.Done():
			return tell(ways, say)
		}
	}
}

// tell sums up, and gives the exit code: 1 where a way failed at last.
func tell(ways []*way, say func(Line)) int {
	code := 0
	for _, w := range ways {
		say(Line{Event: "end", Over: w.name, Answer: w.answer, Error: w.failure, Reads: w.reads, Failed: w.failed})
		if w.failure != "" {
			code = 1
		}
	}
	return code
}

// findWays reads what every container of the pod is told.
func findWays(name string) ([]*way, error) {
	socket, endpoint := os.Getenv("BURGEE_SOCKET"), os.Getenv("OFREP_ENDPOINT")
	if socket == "" || endpoint == "" {
		return nil, errors.New("BURGEE_SOCKET or OFREP_ENDPOINT is not set")
	}
	path := "/ofrep/v1/evaluate/flags/" + name
	return []*way{
		{name: "socket", url: "http://localhost" + path, client: client(func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		})},
		{name: "tcp", url: endpoint + path, client: client(nil)},
	}, nil
}

// client makes a connection for each request: one that a killed sidecar left behind is no failure of the next.
func client(dial func(context.Context, string, string) (net.Conn, error)) *http.Client {
	return &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: dial}}
}

// read asks once, and tells whether the answer is another than the last.
func (w *way) read() (changed bool) {
	answer, err := w.ask()
	w.reads++
	failure := ""
	if err != nil {
		w.failed++
		failure = err.Error()
	}
	changed = !w.seen || answer != w.answer || failure != w.failure
	w.seen, w.answer, w.failure = true, answer, failure
	return changed
}

func (w *way) ask() (Answer, error) {
	response, err := w.client.Post(w.url, "application/json", strings.NewReader(`{"context":{}}`))
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, err
	}
	if response.StatusCode != http.StatusOK {
		return Answer{}, errors.New(response.Status + ": " + string(text))
	}
	answer := Answer{Revision: response.Header.Get("Burgee-Revision")}
	err = json.Unmarshal(text, &answer)
	return answer, err
}

// write tries to leave a file in the socket's folder, and says what came of it.
func write(folder string) string {
	name := filepath.Join(folder, "of-the-application")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		return err.Error()
	}
	return ""
}
