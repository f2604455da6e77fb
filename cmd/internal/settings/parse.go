package settings

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/burgeehq/burgee/cmd/internal/spelling"
)

// Asked is what a command line asks for beside settings.
type Asked struct {
	Help, Version bool
	Typed         map[string]bool // the names of the flags that it holds
}

// Parse fills the fields: with what was typed, else with what lookup finds in the environment, else with the defaults. Where help or the
// version is asked for, nothing else counts, not even what is wrong.
func Parse(all []Setting, args []string, lookup func(string) (string, bool)) (Asked, error) {
	if help, version := wants(args); help || version {
		return Asked{Help: help, Version: version && !help}, nil
	}
	asked := Asked{Typed: map[string]bool{}}
	if err := typed(all, args, asked.Typed); err != nil {
		return asked, err
	}
	for i := range all {
		s := &all[i]
		if asked.Typed[s.Name] {
			continue
		}
		if text, found := lookup(s.Variable); found {
			if err := s.add(text); err != nil {
				return asked, fmt.Errorf("%w (from envar %s=%q)", s.wrong(err), s.Variable, text)
			}
		} else if s.Default != "" {
			if err := s.add(s.Default); err != nil {
				panic("settings: the default of " + s.wrong(err).Error())
			}
		}
	}
	return asked, nil
}

// wants looks for the two flags that are no settings.
func wants(args []string) (help, version bool) {
	for _, arg := range args {
		switch arg {
		case "--help", "-h":
			help = true
		case "--version":
			version = true
		case "--":
			return help, version
		}
	}
	return help, version
}

// pemBegins is how a key begins, which is a value: no flag has so many dashes.
const pemBegins = "-----BEGIN"

// typed takes the flags one by one, and notes their names.
func typed(all []Setting, args []string, names map[string]bool) error {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if !strings.HasPrefix(arg, "-") || arg == "-" || arg == "--" {
			return fmt.Errorf("unexpected argument %s", arg)
		}
		name, text, given := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		s := find(all, name)
		if s == nil || !strings.HasPrefix(arg, "--") {
			return unknown(all, "--"+name, arg)
		}
		switch {
		case given:
		case s.isSwitch():
			text = "true"
		case len(args) == 0 || len(args[0]) > 1 && args[0][0] == '-' && !strings.HasPrefix(args[0], pemBegins):
			return s.wrong(fmt.Errorf("expected %s value: give --%s=VALUE", s.kind(), s.Name))
		default:
			text, args = args[0], args[1:]
		}
		if names[s.Name] && !s.isList() {
			s.field.Set(reflect.Zero(s.field.Type())) // the last one counts
		}
		names[s.Name] = true
		if err := s.add(text); err != nil {
			return s.wrong(err)
		}
	}
	return nil
}

func find(all []Setting, name string) *Setting {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

const (
	near = 2  // letters that a flag that was meant may differ by
	long = 64 // bytes beyond which a word is far from every flag: what a stranger types must not cost more than it is worth
)

// unknown names the flags that may have been meant.
func unknown(all []Setting, name, arg string) error {
	var meant []string
	for _, flag := range append(namesOf(all), "--help", "--version") {
		alike := strings.HasPrefix(flag, name) || len(name) <= long && spelling.Distance(flag, name) <= near
		if alike && strings.HasPrefix(arg, "--") {
			meant = append(meant, fmt.Sprintf("%q", flag))
		}
	}
	shown, _, _ := strings.Cut(arg, "=")
	switch len(meant) {
	case 0:
		return fmt.Errorf("unknown flag %s", shown)
	case 1:
		return fmt.Errorf("unknown flag %s, did you mean %s?", shown, meant[0])
	}
	return fmt.Errorf("unknown flag %s, did you mean one of %s?", shown, strings.Join(meant, ", "))
}

func namesOf(all []Setting) []string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = "--" + s.Name
	}
	return names
}
