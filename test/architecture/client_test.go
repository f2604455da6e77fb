package architecture

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// clientModule is the folder of what applications import: the sidecar's code must not reach them, nor their libraries the sidecar.
const clientModule = "sidecar/client"

// clientUses lists what each of its packages may import of others' code, tests left out: who imports one does not pay for the rest.
var clientUses = map[string][]string{
	".":                   nil,
	"internal/clienttest": nil,
	"provider":            {"github.com/open-feature/go-sdk/openfeature"},
	"otelbaggage":         {"go.opentelemetry.io/otel/baggage"},
	"grpcmeta":            {"google.golang.org/grpc", "google.golang.org/grpc/metadata"},
}

func TestTheClientIsAModuleOfItsOwn(t *testing.T) {
	folder := filepath.Join(root, filepath.FromSlash(clientModule))
	gomod := readText(t, filepath.Join(folder, "go.mod"))
	if !strings.Contains(gomod, "\nmodule "+module+"/"+clientModule+"\n") {
		t.Errorf("%s/go.mod does not name the module that applications ask for", clientModule)
	}
	for line := range strings.Lines(gomod) {
		fields := strings.Fields(line)
		if slices.Contains(fields, module) || slices.Contains(fields, "replace") {
			t.Errorf("%s/go.mod: %q: it must neither need the product's module nor replace any, for whoever imports it does not see that", clientModule, strings.TrimSpace(line))
		}
	}
	seen := map[string]bool{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		dir, err := filepath.Rel(folder, filepath.Dir(path))
		if err != nil {
			return err
		}
		seen[dir] = true
		checkClientImports(t, path, filepath.ToSlash(dir))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range clientUses {
		if !seen[dir] {
			t.Errorf("%s has no package %s", clientModule, dir)
		}
	}
}

func checkClientImports(t *testing.T, path, dir string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	may, listed := clientUses[dir]
	if !listed {
		t.Errorf("%s/%s is not in clientUses", clientModule, dir)
	}
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Error(err)
			continue
		}
		own := name == module+"/"+clientModule || strings.HasPrefix(name, module+"/"+clientModule+"/")
		switch {
		case strings.HasPrefix(name, module) && !own:
			t.Errorf("%s imports %s; what applications use must not reach the product's code", path, name)
		case !own && strings.Contains(name, ".") && !strings.HasSuffix(path, "_test.go") && !slices.Contains(may, name):
			t.Errorf("%s imports %s; %s may use %q of others' code", path, name, dir, may)
		}
	}
}
