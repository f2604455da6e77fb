package settings

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// told is one of everything that a program may declare.
type told struct {
	Place     string        `help:"Where." placeholder:"URL" group:"One"`
	LogLevel  string        `help:"How loud." enum:"low,high" default:"low" group:"One"`
	Keys      []string      `help:"Which." placeholder:"FILE" group:"One"`
	Pause     time.Duration `help:"How long." default:"15s" group:"Two"`
	Count     int           `help:"How many." default:"3" group:"Two"`
	Big       int64         `help:"How many more." group:"Two"`
	S3Style   bool          `help:"In which style." group:"Two"`
	Uppercase shout         `help:"Loud." default:"no" group:"Two"`
}

// shout reads itself.
type shout string

func (s *shout) UnmarshalText(text []byte) error {
	if len(text) > 5 {
		return fmt.Errorf("%q is too long", text)
	}
	*s = shout(strings.ToUpper(string(text)))
	return nil
}

func parse(args []string, variables map[string]string) (told, Asked, error) {
	var into told
	asked, err := Parse(Of("APP", &into), args, func(name string) (string, bool) {
		text, found := variables[name]
		return text, found
	})
	return into, asked, err
}

func TestParse(t *testing.T) {
	usual := told{LogLevel: "low", Pause: 15 * time.Second, Count: 3, Uppercase: "NO"}
	with := func(change func(*told)) told {
		all := usual
		change(&all)
		return all
	}
	for _, row := range []struct {
		name      string
		args      string
		variables map[string]string
		want      told
	}{
		{"defaults", "", nil, usual},
		{"typed in two ways", "--place a --pause=1m", nil, with(func(a *told) { a.Place, a.Pause = "a", time.Minute })},
		{"the last one counts", "--place a --place b --count 5 --count 0", nil, with(func(a *told) { a.Place, a.Count = "b", 0 })},
		{"lists grow", "--keys a,b --keys c", nil, with(func(a *told) { a.Keys = []string{"a", "b", "c"} })},
		{"lists may be written loosely", "", map[string]string{"APP_KEYS": " a, b,\n"}, with(func(a *told) { a.Keys = []string{"a", "b"} })},
		{"lines of an element stay", "", map[string]string{"APP_KEYS": "a\nb\n,\nc d\n"}, with(func(a *told) { a.Keys = []string{"a\nb", "c d"} })},
		{"a switch takes no word", "--s3-style --place a", nil, with(func(a *told) { a.S3Style, a.Place = true, "a" })},
		{"a switch turned off", "--s3-style --s3-style=no", nil, usual},
		{"values that begin with a dash", "--count=-1 --big=-9223372036854775808", nil, with(func(a *told) { a.Count, a.Big = -1, -1<<63 })},
		{"a dash alone is a value", "--place -", nil, with(func(a *told) { a.Place = "-" })},
		{"a key is a value", "--keys -----BEGIN,b", nil, with(func(a *told) { a.Keys = []string{"-----BEGIN", "b"} })},
		{"an empty value is one", "--place=", map[string]string{"APP_PLACE": "b"}, usual},
		{
			"variables", "",
			map[string]string{"APP_KEYS": "a,b", "APP_S3_STYLE": "1", "APP_LOG_LEVEL": "high", "APP_UPPERCASE": "yes", "PLACE": "x", "APP_OTHER": "x"},
			with(func(a *told) { a.Keys, a.S3Style, a.LogLevel, a.Uppercase = []string{"a", "b"}, true, "high", "YES" }),
		},
		{
			"flags win, lists whole", "--keys c --s3-style=false --pause 1s",
			map[string]string{"APP_KEYS": "a,b", "APP_S3_STYLE": "yes", "APP_PAUSE": "never"},
			with(func(a *told) { a.Keys, a.Pause = []string{"c"}, time.Second }),
		},
	} {
		got, _, err := parse(strings.Fields(row.args), row.variables)
		if err != nil || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: got %+v, error %v; want %+v", row.name, got, err, row.want)
		}
	}
}

func TestWhatIsWrong(t *testing.T) {
	for _, row := range []struct {
		args      string
		variables map[string]string
		want      string
	}{
		{"--pause 15", nil, `--pause: expected duration but got "15": time: missing unit in duration "15"`},
		{"--count many", nil, `--count: expected a valid 64 bit int but got "many"`},
		{"--big 9223372036854775808", nil, `--big: expected a valid 64 bit int but got "9223372036854775808"`},
		{"--s3-style=maybe", nil, `--s3-style: bool value must be true, 1, yes, false, 0 or no but got "maybe"`},
		{"--log-level loud", nil, `--log-level must be one of "low","high" but got "loud"`},
		{"--uppercase shouting", nil, `--uppercase: "shouting" is too long`},
		{"--place", nil, `--place: expected string value: give --place=VALUE`},
		{"--pause --s3-style", nil, `--pause: expected duration value: give --pause=VALUE`},
		{"--count -1", nil, `--count: expected integer value: give --count=VALUE`},
		{"serve", nil, `unexpected argument serve`},
		{"-- --help", nil, `unexpected argument --`},
		{"-", nil, `unexpected argument -`},
		{"-p 15s", nil, `unknown flag -p`},
		{"-place x", nil, `unknown flag -place`},
		{"--plaice=x", nil, `unknown flag --plaice, did you mean "--place"?`},
		{"--pau", nil, `unknown flag --pau, did you mean "--pause"?`},
		{"--p=secret", nil, `unknown flag --p, did you mean one of "--place", "--pause"?`},
		{"--" + strings.Repeat("x", 10_000), nil, `unknown flag --` + strings.Repeat("x", 10_000)},
		{"--hepl", nil, `unknown flag --hepl, did you mean "--help"?`},
		{"", map[string]string{"APP_PAUSE": "soon"}, `--pause: expected duration but got "soon": time: invalid duration "soon" (from envar APP_PAUSE="soon")`},
		{"", map[string]string{"APP_LOG_LEVEL": "loud"}, `--log-level must be one of "low","high" but got "loud" (from envar APP_LOG_LEVEL="loud")`},
	} {
		if _, _, err := parse(strings.Fields(row.args), row.variables); err == nil || err.Error() != row.want {
			t.Errorf("%.60q with %v: got error\n%v; want\n%s", row.args, row.variables, err, row.want)
		}
	}
}

// Whoever asks for help gets it, whatever else is wrong.
func TestHelpAndVersion(t *testing.T) {
	for args, want := range map[string]Asked{
		"--help": {Help: true}, "-h": {Help: true}, "--polll --help": {Help: true}, "--version": {Version: true}, "serve --version --help": {Help: true},
	} {
		_, asked, err := parse(strings.Fields(args), map[string]string{"APP_PAUSE": "soon"})
		if err != nil || !reflect.DeepEqual(asked, want) {
			t.Errorf("%s: got %+v, error %v; want %+v", args, asked, err, want)
		}
	}
	_, asked, err := parse([]string{"--place", "a", "--s3-style"}, nil)
	if want := map[string]bool{"place": true, "s3-style": true}; err != nil || !reflect.DeepEqual(asked.Typed, want) {
		t.Errorf("got %v, error %v; want %v", asked.Typed, err, want)
	}
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	if err := Help(&out, "app", "What it is.", Of("APP", &told{})); err != nil {
		t.Fatal(err)
	}
	const want = `Usage: app [flags]

What it is.

About
  -h, --help       Show this help.
      --version    Print the version and stop.

One
  --place=URL        Where ($APP_PLACE).
  --log-level=low    How loud ($APP_LOG_LEVEL).
  --keys=FILE,...    Which ($APP_KEYS).

Two
  --pause=15s       How long ($APP_PAUSE).
  --count=3         How many ($APP_COUNT).
  --big=            How many more ($APP_BIG).
  --s3-style        In which style ($APP_S3_STYLE).
  --uppercase=no    Loud ($APP_UPPERCASE).
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	for _, line := range wrapped(strings.Repeat("words ", 50), 40) {
		if len(line) > 40 || line == "" {
			t.Errorf("line %q; want 1 to 40 letters", line)
		}
	}
}

// Whatever the words, there is an error or there are settings that show what was typed.
func FuzzParse(f *testing.F) {
	f.Add("--place a\n--pause=1m", "APP_KEYS", "a,b")
	f.Add("--s3-style\n--\n-h", "APP_COUNT", "x")
	f.Fuzz(func(t *testing.T, args, name, text string) {
		words := strings.Split(args, "\n")
		got, asked, err := parse(words, map[string]string{name: text})
		if err != nil || asked.Help || asked.Version {
			return
		}
		for word := range asked.Typed {
			if !strings.Contains(args, "--"+word) {
				t.Errorf("%q: it says that --%s was typed", words, word)
			}
		}
		if asked.Typed["place"] && !strings.Contains(args, got.Place) {
			t.Errorf("%q: got place %q", words, got.Place)
		}
		if got.LogLevel != "low" && got.LogLevel != "high" {
			t.Errorf("%q: got level %q", words, got.LogLevel)
		}
	})
}
