package inject

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// prefix begins every annotation of ours.
const prefix = "burgee.dev/"

// declared is a parameter as the definition has it: which annotation sets it, what it is where no annotation does, and what is good for it.
// The chart's policy and its named templates ask the same of it.
type declared struct {
	Annotation string `json:"annotation"`
	Value      string `json:"value"` // of the chart, for messages
	Default    string `json:"default"`
	Required   bool   `json:"required"`
	What       string `json:"what"`    // it is, and
	Example    string `json:"example"` // one, both for messages
	Longest    int    `json:"longest"` // characters
	Pattern    string `json:"pattern"`
	Not        string `json:"not"`   // a pattern as well; empty for none
	Least      string `json:"least"` // amount, or the marker of a parameter that is one; empty for none
	Why        string `json:"why"`   // it must be as much

	is, isNot *regexp.Regexp // isNot is nil where there is none
}

const (
	socket       = "socket"
	socketFolder = "socketFolder" // is not declared: it is the folder of socket
)

// kinds are the parameters that there are, in the order in which they are looked at.
var kinds = []string{"store", "environment", socket, "memory", "cpuRequest", "cpuLimit"}

// free is how many of kinds, the first ones, may be without a default although they are required: each pod has its own then.
const free = 2

// checkParameters wants all of them and no others, each with its annotation, and defaults that no pod would be refused for.
func (d *Definition) checkParameters() error {
	for _, name := range sortedKeys(d.declared) {
		if !slices.Contains(kinds, name) {
			return fmt.Errorf("parameters.%s: is not known; there are %s", name, listed(slices.Sorted(slices.Values(kinds))))
		}
	}
	for _, name := range kinds {
		p, given := d.declared[name]
		switch {
		case !given || p == nil:
			return fmt.Errorf("parameters.%s: is missing", name)
		case !strings.HasPrefix(p.Annotation, prefix) || slices.Contains(d.known, p.Annotation):
			return fmt.Errorf("parameters.%s.annotation: %q; want one that begins with %s, and no other parameter has", name, p.Annotation, prefix)
		}
		d.known = append(d.known, p.Annotation)
		if err := p.compile(); err != nil {
			return fmt.Errorf("parameters.%s.%w", name, err)
		}
	}
	slices.Sort(d.known)
	return d.checkDefaults()
}

func (p *declared) compile() (err error) {
	switch {
	case p.Longest < 1:
		return fmt.Errorf("longest: %d; want how many characters there may be", p.Longest)
	case p.Pattern == "":
		return errors.New("pattern: is missing")
	}
	if other, is := marker(p.Least); p.Least != "" && amount(p.Least) == nil && (!is || other == socketFolder) {
		return fmt.Errorf("least: %q is neither an amount nor the marker of a parameter", p.Least)
	}
	if p.is, err = regexp.Compile(p.Pattern); err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	if p.Not == "" {
		return nil
	}
	if p.isNot, err = regexp.Compile(p.Not); err != nil {
		return fmt.Errorf("not: %w", err)
	}
	return nil
}

func (d *Definition) checkDefaults() error {
	defaults := d.valuesFor(nil)
	if folder := defaults[socketFolder]; !strings.HasPrefix(folder, "/") || folder == "/" {
		return fmt.Errorf("parameters.socket.default: %q is not in a folder", defaults[socket])
	}
	for i, name := range kinds {
		if i < free && defaults[name] == "" {
			continue
		}
		if err := cmp.Or(d.wrong(name, defaults), d.tooLittle(name, defaults)); err != "" {
			return fmt.Errorf("parameters.%s.default: %s", name, err)
		}
	}
	return nil
}

// valuesFor gives the value of each parameter for a pod with those annotations. One that is there counts, also where it is empty: that is
// how a pod has no limit where the chart sets one.
func (d *Definition) valuesFor(annotations map[string]string) map[string]string {
	values := map[string]string{}
	for name, p := range d.declared {
		value, given := annotations[p.Annotation]
		if !given {
			value = p.Default
		}
		values[name] = value
	}
	values[socketFolder] = path.Dir(values[socket])
	return values
}

// wrong says what is wrong with a parameter's value, or "". An empty one is none, where there may be none.
func (d *Definition) wrong(name string, values map[string]string) string {
	p, value := d.declared[name], values[name]
	if value == "" && !p.Required {
		return ""
	}
	if utf8.RuneCountInString(value) <= p.Longest && p.is.MatchString(value) && (p.isNot == nil || !p.isNot.MatchString(value)) {
		return ""
	}
	return fmt.Sprintf("%s is no %s; want such as %s", quoted(value), p.What, p.Example)
}

// tooLittle says that an amount is less than it must be, or "".
func (d *Definition) tooLittle(name string, values map[string]string) string {
	p, value := d.declared[name], values[name]
	least := p.Least
	if other, is := marker(least); is {
		least = values[other]
	}
	have, need := amount(value), amount(least)
	if have == nil || need == nil || have.Cmp(need) >= 0 {
		return ""
	}
	return fmt.Sprintf("%s is too little; want %s or more: %s", quoted(value), least, p.Why)
}

var factors = map[string]int64{"": 1e3, "m": 1, "k": 1e6, "M": 1e9, "G": 1e12, "Ki": 1e3 << 10, "Mi": 1e3 << 20, "Gi": 1e3 << 30}

// amount reads one in thousandths; nil where it is none.
func amount(text string) *big.Rat {
	number := strings.TrimRight(text, "mkKMGi")
	factor, known := factors[text[len(number):]]
	amount, good := new(big.Rat).SetString(number)
	if !known || !good {
		return nil
	}
	return amount.Mul(amount, new(big.Rat).SetInt64(factor))
}

// quoted puts quotation marks around a text and leaves it as it is otherwise, as CEL has it. A store may hold credentials by mistake, before
// an "@": whoever sees refusals need not see these.
func quoted(text string) string {
	if strings.Contains(text, "@") {
		text = "…"
	}
	return `"` + text + `"`
}

// listed writes names as a sentence has them.
func listed(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
