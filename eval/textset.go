package eval

// textSet is a list of strings that is searched: the literal list of in, or the
// names of a flag's variants.
type textSet struct {
	items []string
	index *textIndex // nil for a list that is walked as fast
}

// walkedSet is the longest list that is walked rather than looked up in.
const walkedSet = 8

func setOf(items []string) textSet {
	if len(items) <= walkedSet {
		return textSet{items: items}
	}
	index := newTextIndex(items)
	return textSet{items: items, index: &index}
}

func (s *textSet) has(needle string) bool { return s.position(needle) >= 0 }

// position is where a string stands in the list, or -1.
func (s *textSet) position(needle string) int {
	if s.index != nil {
		return s.index.find(needle, s.items)
	}
	for i, item := range s.items {
		if item == needle {
			return i
		}
	}
	return -1
}
