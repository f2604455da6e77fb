package bundle

import "testing"

// Names of objects have one spelling each: else two objects could pass for one.
func TestNamesHaveOneSpelling(t *testing.T) {
	for key, want := range map[string]int64{
		"revisions/00000042.json": 42, "revisions/123456789.json": 123456789, "revisions/42.json": 0, "revisions/000000042.json": 0,
		"revisions/00000000.json": 0, "revisions/-0000001.json": 0, "revisions/+0000042.json": 0, "revisions/00000042": 0, "00000042.json": 0,
		"revisions/00000042.json.json": 0, "revisions/revisions/00000042.json": 0, "revisions/99999999999999999999.json": 0,
	} {
		if got, ok := RevisionOf(key); ok != (want > 0) || ok && got != want {
			t.Errorf("%s: revision %d, %v; want %d", key, got, ok, want)
		}
	}
	d := Sum([]byte("x"))
	for name, want := range map[string]bool{
		FileName(d): true, d.Hex(): false, d.Hex() + ".gz": false, string(d) + ".json.gz": false, d.Hex() + ".json.gz.json.gz": false,
		"A" + d.Hex()[1:] + ".json.gz": false, d.Hex()[1:] + ".json.gz": false, "": false,
	} {
		if got, ok := DigestOf(name); ok != want || ok && got != d {
			t.Errorf("%s: %s, %v; want %v", name, got, ok, want)
		}
	}
}
