package sidecar

import "github.com/burgeehq/burgee/eval"

// bulkPlan is how a bulk answer is put together: stretches of flags, in order, whose answers are known whatever the context, with flags
// between them that have to be evaluated. Most flags of most teams have no rule.
type bulkPlan []stretch

// stretch is some flags in a row. Without a text it is one flag that has to be evaluated.
type stretch struct {
	flags    []*eval.Flag
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
		next := fixedStretch(flags[from:])
		if next.text == nil {
			next.flags = flags[from : from+1]
		}
		plan = append(plan, next)
		from += len(next.flags)
	}
	return plan
}

// fixedStretch takes flags as long as their answers are known.
func fixedStretch(flags []*eval.Flag) (s stretch) {
	for i, flag := range flags {
		answer, known := flag.Fixed()
		if !known {
			break
		}
		if i > 0 {
			s.text = append(s.text, ',')
		}
		s.flags, s.text = flags[:i+1], append(s.text, answer.JSON...)
		s.variants = append(s.variants, int32(answer.Variant))
		s.sum = s.sum.and(bulkSum{answer.Sum, sumFactor})
		s.reasons[answer.Reason]++
		s.codes[answer.Code]++
	}
	return s
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
func (s *Sidecar) appendAll(body []byte, now *flagset, w *workspace, unix int64) ([]byte, uint64) {
	var reasons [eval.Failed + 1]uint64
	sum := bulkSum{now.metadataSum, sumFactor}
	body = append(body, `{"flags":[`...)
	for i := range now.plan {
		if i > 0 {
			body = append(body, ',')
		}
		if part := &now.plan[i]; part.text != nil {
			body, sum = append(body, part.text...), sum.and(part.sum)
			for reason, n := range part.reasons {
				reasons[reason] += n
			}
			s.meter.answeredAll(w, now, part)
		} else {
			answer := part.flags[0].Evaluate(&w.context, unix)
			reasons[answer.Reason]++
			s.meter.answered(w, now, part.flags[0], &answer)
			body, sum = append(body, answer.JSON...), sum.and(bulkSum{answer.Sum, sumFactor})
		}
	}
	for reason, n := range reasons {
		w.tally.reasons[reason].Add(n)
	}
	body = append(body, `],"metadata":`...)
	body = append(body, now.rules.Metadata()...)
	return append(body, '}'), sum.sum
}
