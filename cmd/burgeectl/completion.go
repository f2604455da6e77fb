package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completion is the verb that prints a shell's script. The script asks this program (completing) what may come next.
type completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish." placeholder:"SHELL"`
}

func (c *completion) examples() []string {
	return []string{
		`burgeectl completion bash`,
		`burgeectl completion zsh`,
		`burgeectl completion fish`,
	}
}

// Run prints the script.
func (c *completion) Run(w *world) error {
	_, err := io.WriteString(w.stdout, completionScripts[c.Shell])
	return err
}

// completing is what scripts call instead of a verb, with the words of the line so far. It answers "files", or "words" and then a line for
// each word, with its meaning behind a tab.
const completing = "__complete"

// candidate is a word that may come next.
type candidate struct{ word, meaning string }

// complete answers a script. The last word is the one that is being typed, "" where none is begun.
func complete(out io.Writer, app *kong.Application, typed []string) {
	files, found := candidates(app, typed)
	if files {
		fmt.Fprintln(out, "files")
		return
	}
	fmt.Fprintln(out, "words")
	for _, c := range found {
		fmt.Fprintf(out, "%s\t%s\n", c.word, oneLine(c.meaning))
	}
}

// candidates are the words that may stand where the last one is typed, or files.
func candidates(app *kong.Application, typed []string) (files bool, found []candidate) {
	if len(typed) == 0 {
		return false, nil
	}
	before, last := apart(typed)
	if len(before) > 0 && before[0] == "help" {
		return false, verbsLike(app.Node, last, len(before) == 1)
	}
	at := walk(app.Node, before)
	name, value, assigned := strings.Cut(last, "=")
	switch {
	case at.flag != nil:
		return values(at.flag.Value, at.flag.PlaceHolder, "", last)
	case at.flagsOver || !strings.HasPrefix(last, "-"):
		if len(at.node.Children) > 0 {
			return false, verbsLike(at.node, last, !at.flagsOver)
		}
		if at.operands < len(at.node.Positional) {
			operand := at.node.Positional[at.operands]
			return values(operand, operand.Tag.PlaceHolder, "", last)
		}
		return false, nil
	case assigned:
		if flag := flagOf(at.node, name); flag != nil {
			return values(flag.Value, flag.PlaceHolder, name+"=", value)
		}
		return false, nil
	}
	return false, flagsLike(at.node, last)
}

// apart takes the word that is typed from those before. bash makes words of their own of "=" and of what stands behind it.
func apart(typed []string) (before []string, last string) {
	before, last = slices.Clone(typed[:len(typed)-1]), typed[len(typed)-1]
	if last == "=" && len(before) > 0 {
		return before, ""
	}
	return slices.DeleteFunc(before, func(word string) bool { return word == "=" }), last
}

// position is where the words before lead.
type position struct {
	node      *kong.Node
	flag      *kong.Flag // whose value comes next; nil where none is awaited
	operands  int
	flagsOver bool // by "--"
}

func walk(node *kong.Node, words []string) position {
	at := position{node: node}
	for _, word := range words {
		switch {
		case at.flag != nil:
			at.flag = nil
		case word == "--":
			at.flagsOver = true
		case strings.HasPrefix(word, "-") && !at.flagsOver:
			if flag := flagOf(at.node, word); flag != nil && !flag.IsBool() {
				at.flag = flag
			}
		default:
			if verb := child(at.node, word); verb != nil {
				at.node = verb
				continue
			}
			at.operands++
		}
	}
	return at
}

func child(node *kong.Node, name string) *kong.Node {
	for _, verb := range node.Children {
		if verb.Name == name {
			return verb
		}
	}
	return nil
}

// flags are those that a verb takes, its own first.
func flags(node *kong.Node) []*kong.Flag {
	var all []*kong.Flag
	for ; node != nil; node = node.Parent {
		all = append(all, node.Flags...)
	}
	return slices.DeleteFunc(all, func(f *kong.Flag) bool { return f.Hidden })
}

func flagOf(node *kong.Node, word string) *kong.Flag {
	for _, flag := range flags(node) {
		if word == "--"+flag.Name {
			return flag
		}
	}
	return nil
}

func flagsLike(node *kong.Node, begun string) []candidate {
	var found []candidate
	for _, flag := range flags(node) {
		if word := "--" + flag.Name; strings.HasPrefix(word, begun) {
			found = append(found, candidate{word, flag.Help})
		}
	}
	return found
}

func verbsLike(node *kong.Node, begun string, wanted bool) []candidate {
	var found []candidate
	for _, verb := range node.Children {
		if wanted && !verb.Hidden && strings.HasPrefix(verb.Name, begun) {
			found = append(found, candidate{verb.Name, verb.Help})
		}
	}
	return found
}

// namesFile tells by a placeholder that a file or a folder is wanted, perhaps beside other things.
var namesFile = regexp.MustCompile(`^(FILE|FLAGS|DIR)\b`)

// values are what a flag or an operand takes, as far as that is known. Behind "--flag=", words begin with it, and files cannot.
func values(v *kong.Value, placeholder, before, begun string) (files bool, found []candidate) {
	if namesFile.MatchString(placeholder) {
		return before == "", nil
	}
	if v.Enum == "" {
		return false, nil
	}
	for _, word := range v.EnumSlice() {
		if strings.HasPrefix(word, begun) {
			found = append(found, candidate{before + word, ""})
		}
	}
	return false, found
}
