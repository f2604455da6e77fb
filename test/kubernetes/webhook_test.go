package kubernetes

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// webhookName is that of the webhook's Deployment and Service in the release burgee.
const webhookName = "burgee-inject"

// webhook is a pod of the chart's Deployment, as far as there can be one without a node: its program with the arguments that the chart
// gives, and with the files that the chart mounts. The chart's Service leads to it, so the server calls it by the chart's own
// configuration and checks the chart's own certificate.
type webhook struct {
	*cluster.Child
	site *site
}

func (s *site) startWebhook(t *testing.T) *webhook {
	t.Helper()
	w, mounts, host, address := &webhook{site: s}, s.mount(t, kit.Folder(t)), ownAddress(t), ""
	given := strings.Fields(s.Kubectl(t, "get", "deployment", webhookName, "-n", system, "-o", "jsonpath={.spec.template.spec.containers[0].args[*]}"))
	s.Anywhere(t, func() (*cluster.Child, func() error) {
		admin := kit.FreeAddress(t, "127.0.0.1")
		address = kit.FreeAddress(t, host)
		replace := strings.NewReplacer(append([]string{":8443", address, ":8014", admin}, mounts...)...)
		var args []string
		for _, arg := range given {
			args = append(args, replace.Replace(arg))
		}
		w.Child = s.Spawn(t, kit.Program(t, "burgee"), args...)
		return w.Child, func() error { return page("http://" + admin + "/readyz") }
	})
	s.lead(t, address)
	return w
}

// mount writes the files of the webhook's volumes under folder, and gives what is to be replaced by what in paths: a mount by its folder.
func (s *site) mount(t *testing.T, folder string) []string {
	t.Helper()
	var pod struct {
		Containers []struct {
			VolumeMounts []struct{ Name, MountPath string }
		}
		Volumes []struct {
			Name      string
			ConfigMap struct{ Name string }
			Secret    struct{ SecretName string }
		}
	}
	deployment := s.Kubectl(t, "get", "deployment", webhookName, "-n", system, "-o", "jsonpath={.spec.template.spec}")
	if err := json.Unmarshal([]byte(deployment), &pod); err != nil {
		t.Fatal(err)
	}
	var replace []string
	for _, mount := range pod.Containers[0].VolumeMounts {
		for _, volume := range pod.Volumes {
			if volume.Name != mount.Name {
				continue
			}
			under := filepath.Join(folder, volume.Name)
			replace = append(replace, mount.MountPath, under)
			if volume.Secret.SecretName != "" {
				s.write(t, under, "secret", volume.Secret.SecretName, base64.StdEncoding.DecodeString)
			} else {
				s.write(t, under, "configmap", volume.ConfigMap.Name, func(text string) ([]byte, error) { return []byte(text), nil })
			}
		}
	}
	return replace
}

func (s *site) write(t *testing.T, folder, kind, name string, decode func(string) ([]byte, error)) {
	t.Helper()
	var data map[string]string
	if err := json.Unmarshal([]byte(s.Kubectl(t, "get", kind, name, "-n", system, "-o", "jsonpath={.data}")), &data); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for key, value := range data {
		content, err := decode(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, key), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// lead makes the address an endpoint of the chart's Service, which has none: its pods run nowhere.
func (s *site) lead(t *testing.T, address string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	s.Apply(t, fmt.Sprintf(`
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %s-by-test, namespace: %s, labels: {kubernetes.io/service-name: %[1]s}}
addressType: IPv4
ports: [{name: https, port: %[3]s, protocol: TCP}]
endpoints: [{addresses: [%[4]s], conditions: {ready: true}}]
`, webhookName, system, port, host))
}

// ownAddress is one of this machine's that no other machine is needed to reach, and that is not loopback: no endpoint may be that.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range all {
		if network, ok := address.(*net.IPNet); ok && network.IP.To4() != nil && network.IP.IsGlobalUnicast() {
			return network.IP.String()
		}
	}
	kit.Skip(t, "this machine has no address but loopback, which no endpoint of a Service may be")
	return ""
}

// page says why a page is not there.
func page(url string) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	return nil
}
