package eval

import (
	"fmt"
	"reflect"
	"unsafe"
)

// What a flag takes beside its program and the texts in it, in bytes.
const (
	flagWeight    = int(unsafe.Sizeof(Flag{})) + 2*8 + 16 + 4*8 // its own, in two lists, its key, two to four cells of the index
	sidecarWeight = 40                                          // what a sidecar keeps of each flag to count it and to answer it in bulk
	variantWeight = 8                                           // the same of each variant
	pathWeight    = int(unsafe.Sizeof(attributePath{})) + readers*int(unsafe.Sizeof(boundValue{}))
	nameWeight    = 16 + 4*8 + readers*int(unsafe.Sizeof(boundPlace{}))
	readers       = 4 // contexts that are in use at once, each with a place for every attribute
)

// weigher adds up the memory that programs take. What several of them share is weighed once.
type weigher struct {
	raw    string                      // the definition of the program being weighed: strings that are views of it take nothing
	shared map[unsafe.Pointer]struct{} // what was weighed with the evaluators
	note   bool                        // what is weighed belongs to the evaluators
	met    map[unsafe.Pointer]struct{} // of a large rule: programs refer to one piece from many places, and those to others
	steps  int
	plain  map[reflect.Type]bool // types that refer to nothing
}

func newWeigher() *weigher {
	return &weigher{shared: make(map[unsafe.Pointer]struct{}), plain: make(map[reflect.Type]bool)}
}

// program is what a flag takes, but for its rule.
func (w *weigher) program(p *program) int {
	n := flagWeight + sidecarWeight + int(unsafe.Sizeof(*p)) + len(p.raw) + cap(p.text)
	w.raw, w.met, w.steps = p.raw, nil, 0
	n += w.inside(reflect.ValueOf(p.matches)) + w.inside(reflect.ValueOf(p.variants)) + variantWeight*(1+len(p.variants.items))
	if p.rule == nil {
		n += int(unsafe.Sizeof(Answer{})) + int(p.fixed.end-p.fixed.start) // which bulk answers hold once more
	}
	if p.problem != nil {
		n += w.inside(reflect.ValueOf(*p.problem)) + int(unsafe.Sizeof(*p.problem))
	}
	return n
}

// rule is what a rule's program takes, with what is told about it.
func (w *weigher) rule(code expr, notes *notes, raw string) int {
	w.raw, w.met, w.steps = raw, nil, 0
	n := w.inside(reflect.ValueOf(&code).Elem())
	if w.steps > manyPieces && !w.note {
		w.met, w.steps = make(map[unsafe.Pointer]struct{}), 0
		n = w.inside(reflect.ValueOf(&code).Elem())
	}
	if notes != noNotes && notes != byTargetingKey {
		n += int(unsafe.Sizeof(*notes)) + w.inside(reflect.ValueOf(*notes))
	}
	return n
}

// manyPieces is how many pieces of a rule are weighed without looking whether they were before. Most rules have a few.
const manyPieces = 500

// inside is what a value refers to.
func (w *weigher) inside(v reflect.Value) int {
	switch v.Kind() {
	case reflect.String:
		return w.text(v.String())
	case reflect.Interface:
		if v.IsNil() {
			return 0
		}
		inner := v.Elem()
		n := w.inside(inner)
		if inner.Kind() != reflect.Pointer {
			n += piece(inner.Type().Size())
		}
		return n
	case reflect.Pointer:
		if v.IsNil() || v.Type() == attributeType || w.weighed(v.UnsafePointer()) {
			return 0
		}
		return piece(v.Type().Elem().Size()) + w.inside(v.Elem())
	case reflect.Slice:
		return w.slice(v)
	case reflect.Struct:
		n := 0
		for i := range v.NumField() {
			n += w.inside(v.Field(i))
		}
		return n
	default:
		return 0
	}
}

// attributeType is shared by all rules that read an attribute, and weighed with the attributes.
var attributeType = reflect.TypeFor[*attributeExpr]()

func (w *weigher) slice(v reflect.Value) int {
	if v.Cap() == 0 || w.weighed(v.UnsafePointer()) {
		return 0
	}
	n := v.Cap() * int(v.Type().Elem().Size())
	if w.isPlain(v.Type().Elem()) {
		return n
	}
	for i := range v.Len() {
		n += w.inside(v.Index(i))
	}
	return n
}

// weighed tells whether something is not to be weighed: it was before, or there is too much for a first look.
func (w *weigher) weighed(at unsafe.Pointer) bool {
	if _, known := w.shared[at]; known {
		return true
	}
	w.steps++
	switch {
	case w.note:
		w.shared[at] = struct{}{}
	case w.met == nil:
		return w.steps > manyPieces
	default:
		if _, known := w.met[at]; known {
			return true
		}
		w.met[at] = struct{}{}
	}
	return false
}

// piece is what a small piece of memory takes by itself: the runtime hands out a few sizes only. Rules are made of little else.
func piece(size uintptr) int {
	if size <= 32 {
		return int(size+7) / 8 * 8
	}
	return int(size+15) / 16 * 16
}

func (w *weigher) text(s string) int {
	at, start := uintptr(unsafe.Pointer(unsafe.StringData(s))), uintptr(unsafe.Pointer(unsafe.StringData(w.raw)))
	if at >= start && at < start+uintptr(len(w.raw)) {
		return 0
	}
	return len(s)
}

func (w *weigher) isPlain(t reflect.Type) bool {
	known, ok := w.plain[t]
	if ok {
		return known
	}
	switch t.Kind() {
	case reflect.String, reflect.Interface, reflect.Pointer, reflect.Slice, reflect.Func, reflect.Map:
	case reflect.Struct:
		known = true
		for i := range t.NumField() {
			known = known && w.isPlain(t.Field(i).Type)
		}
	default:
		known = true
	}
	w.plain[t] = known
	return known
}

// tooLarge is the problem of a document whose flags take more memory than they may.
func tooLarge(limit int) *Problem {
	return &Problem{Path: "flags", Rule: RuleMemory, Message: fmt.Sprintf("compiled, they take more memory than the limit of %d bytes", limit)}
}

// Weight is about how much memory the flags take, in bytes.
func (r *Ruleset) Weight() int { return r.weight }
