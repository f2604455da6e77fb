package inject

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// What Kubernetes would not take from a policy as a message is said without what is the pod's own. The policy says the same: test/policy.
func TestRefusalsThatCannotBeSaid(t *testing.T) {
	d, long := definition(t), strings.Repeat("x", maxMessage)
	annotated := func(name, value string) string {
		return `{"metadata":{"annotations":{` + quote(t, name) + ":" + quote(t, value) + `}},"spec":{}}`
	}
	const known = " is not known; there are burgee.dev/cpu-limit, burgee.dev/cpu-request, burgee.dev/environment, burgee.dev/memory, burgee.dev/socket and burgee.dev/store"
	const quantity = ` is no quantity; want such as 64Mi`
	fits := strings.Repeat("x", maxMessage-len(`burgee: annotation burgee.dev/memory: ""`+quantity))
	for _, row := range []struct{ pod, want string }{
		{annotated("burgee.dev/a\nb", ""), "burgee: an annotation" + known},
		{annotated("burgee.dev/"+long, ""), "burgee: an annotation" + known},
		{annotated("burgee.dev/socket", "a\nb"), "burgee: annotation burgee.dev/socket is no absolute path of a file in a folder, of at most 107 bytes"},
		{annotated("burgee.dev/socket", long), "burgee: annotation burgee.dev/socket is no absolute path of a file in a folder, of at most 107 bytes"},
		{annotated("burgee.dev/memory", "\n"), "burgee: annotation burgee.dev/memory" + quantity},
		{annotated("burgee.dev/memory", fits+"x"), "burgee: annotation burgee.dev/memory" + quantity},
		{annotated("burgee.dev/memory", fits), `burgee: annotation burgee.dev/memory: "` + fits + `"` + quantity},
		{annotated("burgee.dev/memory", "a\rb"), "burgee: annotation burgee.dev/memory: \"a\rb\"" + quantity},
		{annotated("burgee.dev/cpu-limit", "\n"), "burgee: annotation burgee.dev/cpu-limit is no quantity; want such as 100m"},
		{
			`{"spec":{"containers":[{"name":"a\nb","volumeMounts":[{"name":"x","mountPath":"/run/burgee"}]}]}}`,
			"burgee: a container mounts a volume where the socket goes: mount it elsewhere, or give the pod the annotation burgee.dev/socket with another path",
		},
		{
			`{"spec":{"containers":[{"name":"` + long + `","ports":[{"containerPort":8014}]}]}}`,
			"burgee: a container has a port that the sidecar takes in the pod's network",
		},
	} {
		_, err := d.Patch([]byte(row.pod))
		if refusal := (*Refusal)(nil); !errors.As(err, &refusal) || refusal.Message != row.want {
			t.Errorf("%.200s: error\n%.400v; want\n%.400s", row.pod, err, row.want)
		}
	}
}

func quote(t *testing.T, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(quoted)
}
