// Package architecture holds docs/architecture.md against the code.
package architecture

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/burgeehq/burgee"
)

// external lists what the packages that stay nearly free of others' code may import of it.
var external = map[string][]string{
	"eval":          {"github.com/cespare/xxhash/v2", "github.com/go-json-experiment/json", "github.com/twmb/murmur3", "golang.org/x/mod/semver"},
	"sync/bundle":   {"github.com/go-json-experiment/json"},
	"sync/lkg":      {"golang.org/x/sys/unix"},
	"eval/flagfile": {"go.yaml.in/yaml/v3", "github.com/go-json-experiment/json"},
	"eval/lint":     {"github.com/go-json-experiment/json"},
	"sync/object":   {},
	// Kubernetes' own libraries would be most of the program: docs/decisions/injection.md.
	"sidecar/inject": {"github.com/go-json-experiment/json"},
}

// forTests are packages that only tests import, beside everything under test/.
var forTests = []string{"sync/object/objecttest", "sync/bundle/bundletest"}

// rows reads the table of packages: a first cell in backquotes (perhaps several), the last one what they may import.
func rows(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| package |")
	if !found {
		t.Fatal("docs/architecture.md has no table of packages")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	quoted := regexp.MustCompile("`([^`]+)`")
	may := map[string][]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || !strings.Contains(cells[0], "`") {
			continue
		}
		var imports []string
		for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
			imports = append(imports, m[1])
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[0], -1) {
			may[m[1]] = imports
		}
	}
	return may
}

// importsOf gives each package's imports, tests left out, for the packages of the product's module.
func importsOf(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isModule(path)):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		if file.Name.Name == "sync" {
			t.Errorf("%s: no package is called sync", path)
		}
		found[dir] = append(found[dir], []string{}...)
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[dir] = append(found[dir], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func isModule(path string) bool {
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

func TestImportsGoOneWay(t *testing.T) {
	may, found := rows(t), importsOf(t)
	for dir, imports := range found {
		allowed, listed := may[dir]
		test := slices.Contains(forTests, dir) || strings.HasPrefix(dir, "test/") || strings.HasPrefix(dir, "examples/")
		if !listed && !test {
			t.Errorf("package %s has no row in docs/architecture.md", dir)
			continue
		}
		for _, name := range imports {
			ours, isOurs := strings.CutPrefix(name, module+"/")
			switch {
			case isOurs && !test && !slices.Contains(allowed, ours):
				t.Errorf("%s imports %s; docs/architecture.md lets it import %q", dir, ours, allowed)
			case !isOurs && strings.Contains(name, ".") && !mayUse(dir, name):
				t.Errorf("%s imports %s; it may use %q of others' code", dir, name, external[dir])
			}
		}
	}
	for dir := range may {
		if _, exists := found[dir]; !exists {
			t.Errorf("docs/architecture.md has a row for %s, which is not there", dir)
		}
	}
}

// mayUse tells whether a package may import others' code: the few in external only what they list, the rest what go.mod holds.
func mayUse(dir, name string) bool {
	allowed, few := external[dir]
	return !few || slices.ContainsFunc(allowed, func(a string) bool { return name == a || strings.HasPrefix(name, a+"/") })
}

func TestTheTopLevelShowsTheArchitecture(t *testing.T) {
	want := []string{
		"cmd", "sidecar", "sync", "eval", "charts", "docs", "examples", "test", "tools",
		"Dockerfile", "Makefile", "go.mod", "go.sum", "README.md", "LICENSE", "bin",
	}
	for _, name := range topLevel(t) {
		if !strings.HasPrefix(name, ".") && !slices.Contains(want, name) {
			t.Errorf("%s does not belong on the top level", name)
		}
	}
}

// topLevel names what the project holds, as git knows it: a newcomer who follows the README leaves keys and a store beside it. Without
// git everything counts.
func topLevel(t *testing.T) []string {
	t.Helper()
	var names []string
	if listed, err := exec.Command("git", "-C", root, "ls-tree", "--name-only", "HEAD").Output(); err == nil {
		return append(names, strings.Fields(string(listed))...)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
