package sidecar

import (
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/burgeehq/burgee/eval"
)

// bulkPlan is how a bulk answer is put together: stretches of flags, in order, whose answers are known whatever the context, with flags
// between them that have to be evaluated. Most flags of most teams have no rule.
type bulkPlan []stretch

// stretch is some flags in a row. Without known answers it is one flag that has to be evaluated.
type stretch struct {
	flags []*eval.Flag
	known *knownAnswers
}

// knownAnswers are those of a stretch. They stand apart, since ten thousand flags with rules have none.
type knownAnswers struct {
	text     []byte  // their answers, with commas between them
	variants []int32 // that they answer with
	sum      bulkSum
	reasons  [eval.Failed + 1]uint64
	codes    [eval.TargetingKeyMissing + 1]uint64
}

func planBulk(rules *eval.Ruleset) bulkPlan {
	var plan bulkPlan
	flags := rules.Flags()
	for from := 0; from < len(flags); {
		next := stretch{flags: flags[from : from+1]}
		if n, known := knownStretch(flags[from:]); n > 0 {
			next = stretch{flags[from : from+n], known}
		}
		plan = append(plan, next)
		from += len(next.flags)
	}
	return slices.Clip(plan)
}

// knownStretch takes flags as long as their answers are known, and tells how many they are.
func knownStretch(flags []*eval.Flag) (n int, k *knownAnswers) {
	size := 0
	for ; n < len(flags); n++ {
		answer, known := flags[n].Fixed()
		if !known {
			break
		}
		size += len(answer.JSON) + len(",")
	}
	if n == 0 {
		return 0, nil
	}
	k = &knownAnswers{text: make([]byte, 0, size), variants: make([]int32, 0, n)}
	for i, flag := range flags[:n] {
		answer, _ := flag.Fixed()
		if i > 0 {
			k.text = append(k.text, ',')
		}
		k.text = append(k.text, answer.JSON...)
		k.variants = append(k.variants, int32(answer.Variant))
		k.sum = k.sum.and(bulkSum{answer.Sum, sumFactor})
		k.reasons[answer.Reason]++
		k.codes[answer.Code]++
	}
	return n, k
}

// bulkSum tells sequences of answers apart by the hashes that the answers have already, instead of hashing all of it again: each answer
// multiplies what came before it. The sum of two sequences, one behind the other, follows from theirs.
type bulkSum struct{ sum, factor uint64 }

const sumFactor = 0x9e3779b97f4a7c15 // odd, and with its bits all over

func (a bulkSum) and(b bulkSum) bulkSum {
	if a.factor == 0 { // nothing yet
		return b
	}
	return bulkSum{a.sum*b.factor + b.sum, a.factor * b.factor}
}

// appendAll writes every flag's answer, those of disabled and broken ones too: each says for itself how it stands, as with flagd. The sum
// is that of all that is written.
func (s *Sidecar) appendAll(body []byte, v *view, w *workspace, unix int64) ([]byte, uint64) {
	metadataSum := v.now.metadataSum
	if v.past != nil || v.set != v.now {
		metadataSum = xxhash.Sum64(v.metadata())
	}
	sum := bulkSum{metadataSum, sumFactor}
	body = append(body, `{"flags":[`...)
	if v.marks == "" && v.past == nil && v.set.plan != nil {
		body, sum = s.appendPlanned(body, sum, v, w, unix)
	} else {
		body, sum = s.appendEach(body, sum, v, w, unix)
	}
	body = append(body, `],"metadata":`...)
	body = append(body, v.metadata()...)
	return append(body, '}'), sum.sum
}

// appendPlanned writes the answers of a flagset that has a plan for them.
func (s *Sidecar) appendPlanned(body []byte, sum bulkSum, v *view, w *workspace, unix int64) ([]byte, bulkSum) {
	var reasons [eval.Failed + 1]uint64
	for i := range v.set.plan {
		if i > 0 {
			body = append(body, ',')
		}
		if part := &v.set.plan[i]; part.known != nil {
			body, sum = append(body, part.known.text...), sum.and(part.known.sum)
			for reason, n := range part.known.reasons {
				reasons[reason] += n
			}
			s.meter.answeredAll(w, v.set, part)
		} else {
			answer := part.flags[0].Evaluate(&w.context, unix)
			reasons[answer.Reason]++
			s.meter.answered(w, &v.set.counts, part.flags[0], &answer)
			body, sum = append(body, answer.JSON...), sum.and(bulkSum{answer.Sum, sumFactor})
		}
	}
	for reason, n := range reasons {
		w.tally.reasons[reason].Add(n)
	}
	return body, sum
}

// appendEach writes the answers one by one: those of another state than the served one, or that carry marks.
func (s *Sidecar) appendEach(body []byte, sum bulkSum, v *view, w *workspace, unix int64) ([]byte, bulkSum) {
	sum = sum.and(bulkSum{xxhash.Sum64String(v.marks), sumFactor})
	for flag, counts := range v.all {
		var answer eval.Answer
		body, answer = s.appendAnswer(body, flag, counts, v, w, unix)
		sum = sum.and(bulkSum{answer.Sum, sumFactor})
	}
	return body, sum
}

// appendAnswer evaluates a flag and writes its answer into a list, with the view's marks.
func (s *Sidecar) appendAnswer(body []byte, flag *eval.Flag, counts *counts, v *view, w *workspace, unix int64) ([]byte, eval.Answer) {
	answer := v.evaluate(flag, w, unix)
	w.tally.reasons[answer.Reason].Add(1)
	s.meter.answered(w, counts, flag, &answer)
	body = comma(body)
	if v.marks == "" {
		return append(body, answer.JSON...), answer
	}
	return answer.With(body, v.marks), answer
}

// comma separates an answer from the one before it.
func comma(body []byte) []byte {
	if body[len(body)-1] == '[' {
		return body
	}
	return append(body, ',')
}
