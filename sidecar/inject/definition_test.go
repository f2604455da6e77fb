package inject

import (
	"strings"
	"testing"
)

// Whatever would make a wrong pod of every pod is found when the definition is read, and named by its place.
func TestParseNamesThePlace(t *testing.T) {
	whole := string(read(t, chart))
	if _, err := Parse([]byte(whole)); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ old, with, want string }{
		{whole, `{`, "unexpected EOF"},
		{whole, `{"container":{},"sidecar":{}}`, `sidecar: unknown object member name`},
		{whole, `{"container":[]}`, `container: cannot be an array`},
		{whole, `{"container":{"name":"a","name":"b"}}`, `duplicate object member name "name"`},
		{whole, strings.Repeat(" ", MaxDefinition+1), "the definition has 1048577 bytes; the limit is 1048576"},
		{whole, `{}`, "parameters.store: is missing"},
		{`"cpuLimit": {`, `"cpuLimits": {`, "parameters.cpuLimits: is not known; there are cpuLimit, cpuRequest, environment, memory, socket and store"},
		{`"annotation": "burgee.dev/cpu-limit",`, ``, `parameters.cpuLimit.annotation: ""; want one that begins with burgee.dev/, and no other parameter has`},
		{`"burgee.dev/cpu-limit"`, `"burgee.dev/store"`, `parameters.cpuLimit.annotation: "burgee.dev/store"; want one that begins with burgee.dev/, and no other parameter has`},
		{`"burgee.dev/cpu-limit"`, `"example.com/cpu"`, `parameters.cpuLimit.annotation: "example.com/cpu"; want one that begins with burgee.dev/, and no other parameter has`},
		{`"/run/burgee/burgee.sock"`, `"burgee.sock"`, `parameters.socket.default: "burgee.sock" is no absolute path of a file in a folder, of at most 107 bytes`},
		{`"64Mi"`, `"64MB"`, `parameters.memory.default: "64MB" is no quantity; want such as 64Mi`},
		{`"64Mi"`, `64`, `parameters.memory.default: cannot be a number`},
		{`"name": "burgee",`, `"name": "flags",`, `container.name: must be "burgee", by which a pod that has the sidecar is told`},
		{`"restartPolicy": "Always"`, `"restartPolicy": "Never"`, `container.restartPolicy: must be "Always", which makes an init container a sidecar`},
		{`8014"`, `http"`, ""},
		{`"BURGEE_ADMIN"`, `"ADMIN"`, ""},
		{`"name": "burgee-state"
    }`, `"name": "burgee-socket"
    }`, `volumes[1].name: "burgee-socket"; want one that begins with burgee-, and no other volume has`},
		{`"name": "burgee-state"
    }`, `"name": "state"
    }`, `volumes[1].name: "state"; want one that begins with burgee-, and no other volume has`},
		{`"name": "burgee-state"
      }`, `"name": "burgee-states"
      }`, `container.volumeMounts[1].name: there is no volume "burgee-states"`},
		{`"mountPath": "\u003csocketFolder\u003e",`, ``, `application.volumeMounts[0].mountPath: must be <socketFolder>`},
		{`"name": "burgee-socket",
        "readOnly"`, `"name": "burgee-run",
        "readOnly"`, `application.volumeMounts[0].name: there is no volume "burgee-run"`},
		{`"OFREP_ENDPOINT"`, `"BURGEE_SOCKET"`, `application.env[1].name: "BURGEE_SOCKET"; want one that no other variable has, and no parameter`},
		{`"OFREP_ENDPOINT"`, `"<store>"`, `application.env[0].name: "<store>"; want one that no other variable has, and no parameter`},
		{`"8014"`, `8014`, `annotations.prometheus.io/port: must be a string`},
		{`"prometheus.io/scrape"`, `"burgee.dev/scrape"`, `annotations.burgee.dev/scrape: names that begin with burgee.dev/ are for who writes the pod`},
	} {
		text := strings.Replace(whole, row.old, row.with, 1)
		if text == whole {
			t.Errorf("%q is not there", row.old)
		}
		_, err := Parse([]byte(text))
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%.60s: %v", row.with, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%.60s: error\n%v; want\n%s", row.with, err, row.want)
		}
	}
}

// Parts that are not there, each alone.
func TestParseWantsEveryPart(t *testing.T) {
	for part, want := range map[string]string{
		"container":    "container: is missing; it is the sidecar, as in a pod",
		"volumes":      "volumes: are missing; one holds the socket",
		"application":  "application.volumeMounts: there are 0; want one, which leads to the socket",
		"parameters":   "parameters.store: is missing",
		"annotations":  "",
		"startupProbe": "",
	} {
		_, err := Parse([]byte(without(t, string(read(t, chart)), part)))
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("without %s: error %v; want %s", part, err, want)
		}
	}
	text := string(read(t, chart))
	for _, name := range []string{`"BURGEE_ADMIN"`, `"BURGEE_LISTEN"`} {
		text = strings.Replace(text, name, `"X"`, 1)
	}
	if _, err := Parse([]byte(text)); err == nil || err.Error() != "container.env: neither BURGEE_ADMIN nor BURGEE_LISTEN names a port" {
		t.Errorf("without ports: error %v", err)
	}
}
