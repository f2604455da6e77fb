package spelling

import "testing"

func TestDistance(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "abc", 0},
		{"--pol", "--poll", 1},
		{"--pull", "--poll", 1},
		{"kitten", "sitting", 3},
		{"ab", "ba", 2},
	} {
		if got := Distance(row.a, row.b); got != row.want {
			t.Errorf("from %q to %q: %d; want %d", row.a, row.b, got, row.want)
		}
		if got := Distance(row.b, row.a); got != row.want {
			t.Errorf("from %q to %q: %d; want %d", row.b, row.a, got, row.want)
		}
	}
}
