package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// results are the JSON of each verb: structs, or a command that prints an example where there is none. A verb that is not here prints
// somebody else's document, or none.
var results = map[string]any{
	"keygen":  []string{"keygen", "--out", "KEYS"},
	"lint":    []string{"lint", "FLAGS"},
	"publish": published{},
	"resign":  resigned{},
	"show":    shown{},

	"diff":     differenceJSON{},
	"kill":     overridden{},
	"set":      overridden{},
	"restore":  overridden{},
	"rollback": wentBack{},
	"renew":    resigned{},
	"history":  past{},
	"verify":   verifiedStore{},
	"export":   exported{},
}

// partOf says of what type the members of a list are that an example leaves empty.
var partOf = map[string]any{"lint problems": problem{}, "lint warnings": problem{}}

// documents are types that another page describes.
var documents = []reflect.Type{reflect.TypeFor[bundle.Manifest](), reflect.TypeFor[bundle.Override](), reflect.TypeFor[time.Time](), reflect.TypeFor[arrival]()}

// resultFields lists the fields of a result, as paths.
func resultFields(t *testing.T, verb string, result any) []string {
	t.Helper()
	command, example := result.([]string)
	if !example {
		return paths(reflect.TypeOf(result), "")
	}
	var all []string
	for name := range printed(t, command) {
		all = append(all, name)
		if part := partOf[verb+" "+name]; part != nil {
			all = append(all, paths(reflect.TypeOf(part), name+"[].")...)
		}
	}
	return all
}

func paths(of reflect.Type, before string) []string {
	var all []string
	for _, field := range reflect.VisibleFields(of) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue // an embedded one, whose own fields are visible, or none of the result's
		}
		all = append(all, before+name)
		inner, path := field.Type, before+name
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			if inner.Kind() == reflect.Slice {
				path += "[]"
			}
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && !slices.Contains(documents, inner) {
			all = append(all, paths(inner, path+".")...)
		}
	}
	return all
}

// printed gives what a command prints as JSON.
func printed(t *testing.T, command []string) map[string]any {
	t.Helper()
	dir := t.TempDir()
	flags := filepath.Join(dir, "flags.json")
	if err := os.WriteFile(flags, []byte(`{"flags": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--output", "json"}
	for _, word := range command {
		args = append(args, strings.NewReplacer("KEYS", filepath.Join(dir, "team"), "FLAGS", flags).Replace(word))
	}
	var out bytes.Buffer
	runOn(t, &out, io.Discard, nil, args...) // a refusal is a result too
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v prints %q: %v", command, out.String(), err)
	}
	return got
}

// sections cuts docs/burgeectl.md at its headings.
func sections(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "burgeectl.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, part := range strings.Split(string(page), "\n## ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		found[name] = text
	}
	return found
}

// TestThePageTellsEveryFlagAndField holds docs/burgeectl.md against the program, both ways.
func TestThePageTellsEveryFlagAndField(t *testing.T) {
	said, known := sections(t), []string{"Everywhere"}
	anyFlag := regexp.MustCompile("`(--[a-z0-9-]+)")
	for _, verb := range verbs(t) {
		known = append(known, verb.Name)
		text, there := said[verb.Name]
		if !there {
			t.Errorf("the page has no section %s", verb.Name)
			continue
		}
		var own []string
		for _, flag := range flags(verb) {
			own = append(own, "--"+flag.Name)
			for _, word := range append([]string{"--" + flag.Name}, flag.Envs...) {
				if !strings.Contains(text+said["Everywhere"], "`"+word+"`") {
					t.Errorf("nothing is said of %s of %s", word, verb.Name)
				}
			}
		}
		for _, m := range anyFlag.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(own, m[1]) {
				t.Errorf("the section of %s speaks of %s, which it does not take", verb.Name, m[1])
			}
		}
		var told, want []string
		if result := results[verb.Name]; result != nil {
			want = resultFields(t, verb.Name, result)
		}
		if _, table, found := strings.Cut(text, "| field | meaning |\n|---|---|\n"); found {
			for row := range strings.Lines(table) {
				cell, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
				for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
					told = append(told, m[1])
				}
			}
		}
		slices.Sort(told)
		slices.Sort(want)
		if !slices.Equal(told, want) {
			t.Errorf("the JSON of %s has the fields\n%q\nand the page tells\n%q", verb.Name, want, told)
		}
	}
	for name := range maps.Keys(said) {
		if !slices.Contains(known, name) {
			t.Errorf("the page has a section %s, and there is no such verb", name)
		}
	}
}
