package flagd

// difference is one evaluation by both.
type difference struct {
	document *caseDocument
	flag     *caseFlag
	caller   string
	contract bool // burgee's answers carry the contract's entries
	flagd    answer
	burgee   answer
}

// agreed is no deviation at all.
const agreed = "agreed"

// deviation names why two answers differ, or gives nothing where no reason is known.
func (c *comparison) deviation(d difference) string {
	want := d.flagd
	if !d.contract {
		want.Metadata = withoutContract(want.Metadata)
	}
	if want.sameDecision(d.burgee) && want.sameMetadata(d.burgee) {
		return agreed
	}
	return ""
}

var contractNames = []string{"owner", "kind"}

func withoutContract(metadata map[string]any) map[string]any {
	kept := make(map[string]any, len(metadata))
	for name, v := range metadata {
		kept[name] = v
	}
	for _, name := range contractNames {
		delete(kept, name)
	}
	return kept
}
