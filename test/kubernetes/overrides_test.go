package kubernetes

import (
	"slices"
	"strings"
	"testing"
)

// What a pod's annotations change, and that they change nothing else.
func testOverrides(t *testing.T, s *site) {
	const sidecar = "spec/initContainers/burgee/"
	plain := s.mustDry(t, pod("plain", nil))
	for _, c := range []struct {
		annotation, value string
		want              []string
	}{
		{"store", "s3://other/flags", []string{sidecar + "env/BURGEE_STORE/value: s3://flags/shop -> s3://other/flags"}},
		{"environment", "shop/staging", []string{sidecar + "env/BURGEE_ENVIRONMENT/value: shop/prod -> shop/staging"}},
		{"memory", "96Mi", []string{sidecar + "resources/limits/memory: 64Mi -> 96Mi", sidecar + "resources/requests/memory: 64Mi -> 96Mi"}},
		{"cpu-request", "50m", []string{sidecar + "resources/requests/cpu: 20m -> 50m"}},
		{"cpu-limit", "300m", []string{sidecar + "resources/limits/cpu: <nil> -> 300m"}},
		{"socket", "/run/flags/shop.sock", []string{
			"spec/containers/app/env/BURGEE_SOCKET/value: /run/burgee/burgee.sock -> /run/flags/shop.sock",
			"spec/containers/app/volumeMounts/burgee-socket/mountPath: /run/burgee -> /run/flags",
			sidecar + "env/BURGEE_SOCKET/value: /run/burgee/burgee.sock -> /run/flags/shop.sock",
			sidecar + "volumeMounts/burgee-socket/mountPath: /run/burgee -> /run/flags",
		}},
	} {
		t.Run(c.annotation, func(t *testing.T) {
			got := differences(plain, s.mustDry(t, annotated("plain", c.annotation, c.value)))
			want := append([]string{"metadata/annotations/burgee.dev/" + c.annotation + ": <nil> -> " + c.value}, c.want...)
			if !slices.Equal(got, want) {
				t.Errorf("against a pod without it the annotation changes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}
