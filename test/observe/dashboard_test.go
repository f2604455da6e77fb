package observe

import (
	"strings"
	"testing"
)

// columns is how wide a dashboard of Grafana is.
const columns = 24

func TestPanelsSayWhatTheyShow(t *testing.T) {
	d := board(t)
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 39 {
		t.Errorf("the dashboard has uid %q, title %q and schema version %d", d.UID, d.Title, d.SchemaVersion)
	}
	ids, titles := map[int]bool{}, map[string]bool{}
	for _, p := range d.Panels {
		if p.ID == 0 || ids[p.ID] || p.Title == "" || titles[p.Title] {
			t.Errorf("panel %d, %q: want an id and a title that no other has", p.ID, p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
	}
	for _, p := range d.graphs() {
		if !strings.HasSuffix(p.Description, ".") || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q has description %q, unit %q and %d queries; want each", p.Title, p.Description, p.FieldConfig.Defaults.Unit, len(p.Targets))
		}
		refs := map[string]bool{}
		for _, q := range p.Targets {
			if q.RefID == "" || refs[q.RefID] || q.Datasource != p.Datasource || q.Datasource != (source{"prometheus", "${datasource}"}) {
				t.Errorf("panel %q, query %q: want a letter of its own, and the data source of the variable", p.Title, q.RefID)
			}
			refs[q.RefID] = true
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	taken := map[[2]int]string{}
	for _, p := range board(t).Panels {
		g := p.GridPos
		if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > columns {
			t.Errorf("panel %q is at %+v; want it within %d columns", p.Title, g, columns)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other, there := taken[[2]int{x, y}]; there {
					t.Fatalf("panels %q and %q overlap at column %d, line %d", other, p.Title, x, y)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

// Whatever is chosen above holds below: a query about sidecars that left a variable out would show others' too.
func TestQueriesFollowTheVariables(t *testing.T) {
	for _, p := range board(t).graphs() {
		for _, q := range p.Targets {
			if strings.Contains(q.Expr, "burgee_inject") {
				continue // the webhook's, which is of no environment
			}
			for _, name := range []string{"$environment", "$namespace", "$pod"} {
				if !strings.Contains(q.Expr, `=~"`+name+`"`) {
					t.Errorf("panel %q, query %s does not follow %s", p.Title, q.RefID, name)
				}
			}
		}
	}
}
