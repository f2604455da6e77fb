package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal, with a program on it and whoever looks at it.
type terminal struct {
	keys *os.File
	end  *os.File // the program's
	mu   sync.Mutex
	text strings.Builder
}

// newTerminal makes one of 100 columns, and reads along.
func newTerminal(t *testing.T) *terminal {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIP: no pseudo terminals here: %v", err)
	}
	number, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(keys.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 100})
	}
	if err != nil {
		t.Fatal(err)
	}
	end, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	term, over := &terminal{keys: keys, end: end}, make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.Copy(term, keys) // it ends with an error when the last program has left
	}()
	t.Cleanup(func() {
		_ = end.Close()
		<-over
		_ = keys.Close()
	})
	return term
}

func (t *terminal) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(text)
}

func (t *terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// until waits for text that matches, and gives the first group.
func (t *terminal) until(tb testing.TB, pattern string) string {
	tb.Helper()
	wanted, tick, patience := regexp.MustCompile(pattern), time.NewTicker(10*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		if found := wanted.FindStringSubmatch(t.String()); found != nil {
			return found[len(found)-1]
		}
		select {
		case <-tick.C:
		case <-patience:
			tb.Fatalf("the terminal never shows %s, but\n%q", pattern, t.String())
		}
	}
}

// start runs a program on the terminal, in a session of its own.
func (t *terminal) start(tb testing.TB, cmd *exec.Cmd) {
	tb.Helper()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.end, t.end, t.end
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
}

// shells are those that show their line under Control-G: how they are started, and set up.
var shells = map[string]struct {
	args  []string
	setup string
}{
	"bash": {[]string{"--norc", "--noprofile", "-i"}, `source <(burgeectl completion bash); shown() { echo "LINE=[$READLINE_LINE]"; }; bind -x '"\C-g": shown'; bind 'set bell-style none'`},
	"zsh": {[]string{"-f", "-i"}, `autoload -Uz compinit; compinit -u -D; source <(burgeectl completion zsh); unsetopt beep
shown() { print -r -- "LINE=[$BUFFER]"; }; zle -N shown; bindkey '^G' shown`},
}

// completed is the line that a shell makes of what is typed, Tab included.
func completed(t *testing.T, name, typed string) string {
	t.Helper()
	cmd := exec.Command(shell(t, name), shells[name].args...)
	cmd.Dir = someFiles(t)
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "TERM=xterm", "PS1=> ", "HISTFILE=")
	term := newTerminal(t)
	term.start(t, cmd)
	if _, err := io.WriteString(term.keys, shells[name].setup+"\necho set''up\n"); err != nil {
		t.Fatal(err)
	}
	term.until(t, "setup")
	if _, err := io.WriteString(term.keys, typed+"\a"); err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(term.until(t, `LINE=\[([^$\]]*)\]`), " ")
}

func TestShellsComplete(t *testing.T) {
	for name := range shells {
		t.Run(name, func(t *testing.T) {
			for typed, want := range map[string]string{
				"burgeectl publ\t--outp\tj\t":            "burgeectl publish --output json",
				"burgeectl show --output=js\t":           "burgeectl show --output=json",
				"burgeectl lint my\t":                    `burgeectl lint my\ flags.json`,
				"burgeectl show --trust-key t\t--verb\t": "burgeectl show --trust-key team.pub --verb",
				"burgeectl compl\tfi\t":                  "burgeectl completion fish",
			} {
				if got := completed(t, name, typed); got != want {
					t.Errorf("%q becomes %q; want %q", typed, got, want)
				}
			}
		})
	}
}

// The program itself tells a terminal from a file.
func TestARealTerminalGetsStyles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "flags.json")
	term := newTerminal(t)
	cmd := exec.Command("burgeectl", "lint", file)
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=")
	term.start(t, cmd)
	term.until(t, "\x1b\\[31mburgeectl: [^\n]*no such file[^\n]*\x1b\\[0m\r\n")
	calm := newTerminal(t)
	cmd = exec.Command("burgeectl", "lint", file)
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=1")
	calm.start(t, cmd)
	if calm.until(t, "(?s)(.*no such file.*)\n"); strings.Contains(calm.String(), "\x1b") {
		t.Errorf("with NO_COLOR: %q", calm.String())
	}
}

// Control-C on a terminal, while a store hangs: the line about waiting goes away, and what was said stays.
func TestControlCWhileAStoreHangs(t *testing.T) {
	release := make(chan bool)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release) // first, for Close waits for answers
	term := newTerminal(t)
	cmd := exec.Command("burgeectl-main", "show", "--allow-unsigned", "--store", "s3://flags/shop", "--s3-path-style")
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL_S3="+server.URL, "TERM=xterm", "NO_COLOR=1")
	term.start(t, cmd)
	term.until(t, `\r\x1b\[Kwaiting for s3://flags/shop: reading manifest.json, (\d) s`)
	if _, err := io.WriteString(term.keys, "\x03"); err != nil {
		t.Fatal(err)
	}
	term.until(t, `(?s) s\^C\r\x1b\[Kburgeectl: [^\n]*context canceled\r\nhint: it was interrupted, and no revision was made\r\n`)
}
