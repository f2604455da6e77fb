package eval

// Limits bounds a document. They are counted while reading, so that a document
// beyond them is refused before it is held in memory as a whole.
type Limits struct {
	Flags     int // flags in the document
	Depth     int // objects and lists inside each other, from the top of the document
	RuleNodes int // objects and lists of one flag's rule, references followed
	List      int // elements of one list, or members of one object other than the flags
	String    int // bytes of one string, unescaped
	Values    int // names and values of one flag, references followed, and of all evaluators together
	Answers   int // bytes of all answers that are rendered beforehand, estimated from above
	Memory    int // bytes that the flags take once they are compiled
}

// LoadLimits are the limits that a sidecar enforces when it loads a document.
func LoadLimits() Limits {
	return Limits{
		Flags:     10_000,
		Depth:     32,
		RuleNodes: 2_000,
		List:      5_000,
		String:    64 << 10,
		Values:    50_000,
		Answers:   16 << 20,
		Memory:    27 << 19, // 13.5 MiB
	}
}

// Share gives percent of each limit. Publishing refuses at a share of what
// loading allows, so that a fleet never meets a document it must refuse.
func (l Limits) Share(percent int) Limits {
	return Limits{
		Flags:     l.Flags * percent / 100,
		Depth:     l.Depth * percent / 100,
		RuleNodes: l.RuleNodes * percent / 100,
		List:      l.List * percent / 100,
		String:    l.String * percent / 100,
		Values:    l.Values * percent / 100,
		Answers:   l.Answers * percent / 100,
		Memory:    l.Memory * percent / 100,
	}
}
