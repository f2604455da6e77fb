package variable

import (
	"os"
	"testing"
)

func TestDropEmpty(t *testing.T) {
	for name, value := range map[string]string{"SOME_EMPTY": "", "SOME_BLANK": " ", "SOME_SET": "x", "OTHER_EMPTY": ""} {
		t.Setenv(name, value)
	}
	DropEmpty("SOME_")
	for name, want := range map[string]bool{"SOME_EMPTY": false, "SOME_BLANK": true, "SOME_SET": true, "OTHER_EMPTY": true} {
		if _, set := os.LookupEnv(name); set != want {
			t.Errorf("%s: set %v; want %v", name, set, want)
		}
	}
}
