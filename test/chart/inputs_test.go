package chart

import (
	"strings"
	"testing"
)

// Whoever gives the region as a variable needs no value for it.
func TestTheRegionMayBeAVariable(t *testing.T) {
	for _, variable := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE"} {
		text := rendered(t, program(t, "helm"), append(good(), "--set", "s3.region=,sidecar.env[0].name="+variable+",sidecar.env[0].value=eu-west-1")...)
		if !strings.Contains(text, `"name": "`+variable+`"`) {
			t.Errorf("%s is not in what is rendered", variable)
		}
	}
}
