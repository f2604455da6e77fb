// Package variable says what both programs hold of their environment variables: one that is empty is not set.
package variable

import (
	"os"
	"strings"
)

// DropEmpty unsets the variables that begin with prefix and are empty, as charts and scripts leave behind whatever has no value. It is
// called before settings are read, so that each of them has its default.
func DropEmpty(prefix string) {
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if value == "" && name != "" && strings.HasPrefix(name, prefix) {
			_ = os.Unsetenv(name) // fails for names that no environment can hold
		}
	}
}
