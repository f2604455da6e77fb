package kubernetes

import (
	"os"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// Whoever mistypes the label gets no sidecar and is told nothing: the command of the chart's README finds their pods, and no others.
func TestTheREADMEFindsPodsWithout(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(chart + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(page), "```sh\nkubectl get pods --all-namespaces --output go-template='")
	script, _, closed := strings.Cut(script, "'\n```")
	if !closed {
		t.Fatal("the chart's README.md has no command with a template")
	}
	s := newSite(t, cluster.Config{})
	s.Apply(t, text(t, labelled("older", object{"burgee.dev/inject": "true"}, nil)))
	s.helm(t, "install", "--set", "injection.mode=policy")
	(&release{site: s}).inForce(t)
	for name, its := range map[string][2]object{
		"good":      {object{"burgee.dev/inject": "true"}, object{"burgee.dev/memory": "100Mi"}},
		"off":       {object{"burgee.dev/inject": "false"}, nil},
		"plain":     {nil, nil},
		"others":    {object{"app": "x"}, object{"a": "b", "example.com/burgee.dev": "c"}},
		"capital":   {object{"burgee.dev/inject": "True"}, nil},
		"yes":       {object{"burgee.dev/inject": "yes"}, object{"burgee.dev/store": "s3://other/shop"}},
		"annotated": {nil, object{"burgee.dev/environment": "shop/x", "a": "b"}},
	} {
		s.Apply(t, text(t, labelled(name, its[0], its[1])))
	}
	const want = "shop/annotated: burgee.dev/environment\nshop/capital: burgee.dev/inject=True\nshop/older: burgee.dev/inject=true\nshop/yes: burgee.dev/inject=yes burgee.dev/store\n"
	if got := s.Kubectl(t, "get", "pods", "--all-namespaces", "--output", "go-template="+script); got != want {
		t.Errorf("it prints\n%s\nwant\n%s", got, want)
	}
}

// labelled is a pod with these labels and annotations alone.
func labelled(name string, labels, annotations object) object {
	return pod(name, func(meta, _ object) { meta["labels"], meta["annotations"] = labels, annotations })
}
