package chart

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The goldens are what the chart renders for each file of testdata/values: read the difference line by line, for it is what every cluster
// gets with the next version. `go test ./test/chart -run TestGoldens -update` writes them anew; do not where you cannot say why each line
// changed, nor to quiet a difference between two versions of Helm.
var update = flag.Bool("update", false, "write the goldens anew")

// madeAnew is what differs from one rendering to the next: the keys and certificates that Helm makes.
var madeAnew = regexp.MustCompile(`(?m)^( *(?:tls\.crt|tls\.key|caBundle): )LS0t\S+$`)

// steady is a rendering without what Helm made at that moment, without the blank lines in which its versions differ, and with the names of
// the files that stand in it whole.
func steady(t *testing.T, text string) string {
	t.Helper()
	if strings.Contains(text, "\nkind: Secret\n") {
		text = madeAnew.ReplaceAllString(text, "${1}TUFERSBBTkVX")
	}
	text = indented(text, "")
	for name, indent := range map[string]string{"files/alerts.yaml": "  ", "files/dashboard.json": "    "} {
		whole, err := os.ReadFile(filepath.Join(chartFolder, name))
		if err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, indented(string(whole), indent), indent+"file: "+name+"\n")
	}
	return text
}

// sorted puts objects in order of their kinds and names: the order in which Helm makes them differs between its versions, and in each what
// others need comes first.
func sorted(all []object) []object {
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(nameOf(a)+place(a), nameOf(b)+place(b)) })
	return all
}

func place(o object) string {
	namespace, _ := at(o, "metadata", "namespace").(string)
	return " " + namespace
}

// indented puts the same before each line, and leaves out the blank ones.
func indented(text, before string) string {
	var all strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			all.WriteString(before + strings.TrimRight(line, "\n") + "\n")
		}
	}
	return all.String()
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	eachHelm(t, func(t *testing.T, helm string) {
		if *update && filepath.Base(helm) == "helm3" {
			t.Skip("the goldens are what Helm 4 writes: run it again without -update")
		}
		eachSet(t, func(t *testing.T, name string, values []string) {
			got := steady(t, rendered(t, helm, values...))
			file := filepath.Join("testdata", "golden", name+".yaml")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(sorted(objectsOf(t, got)), sorted(objectsOf(t, string(want)))) {
				t.Errorf("%s is not what Helm renders:\n%s", file, got)
			}
		})
	})
}
