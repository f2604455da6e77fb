package eval

import "math"

// maxWeight bounds each weight of a split, and their sum.
const maxWeight = math.MaxInt32

// shares are the variants of a split with the weights up to and with each.
type shares struct {
	variants []value
	ends     []uint64
	sum      uint64
}

// constantShares adds up shares that are known. Shares that are known to be
// wrong come back as the problem, those that are not known as nil.
func constantShares(items []expr) (*shares, string) {
	var total shares
	for _, item := range items {
		known, ok := item.(constant)
		if !ok {
			return nil, ""
		}
		weight, problem := shareWeight(known.value)
		if problem != "" {
			return nil, problem
		}
		total.sum += weight
		total.variants = append(total.variants, known.value.items()[0])
		total.ends = append(total.ends, total.sum)
	}
	if problem := sumProblem(total.sum); problem != "" {
		return nil, problem
	}
	return &total, ""
}

// pick maps a hash to a variant.
func (s *shares) pick(hash uint32) value {
	bucket := bucketOf(hash, s.sum)
	from, to := 0, len(s.ends)-1
	for from < to { // the last is right once all before it are known to end too early
		if middle := int(uint(from+to) / 2); s.ends[middle] > bucket {
			to = middle
		} else {
			from = middle + 1
		}
	}
	return s.variants[from]
}

// bucketOf spreads the whole range of the hash over the sum of the weights.
func bucketOf(hash uint32, sum uint64) uint64 { return uint64(hash) * sum >> 32 }

// pickShare is pick for shares that are known only now. It goes over them twice
// rather than keep what it adds up, and is null where one of them is wrong.
func pickShare(items []value, hash uint32) value {
	var sum uint64
	for _, item := range items {
		weight, problem := shareWeight(item)
		if problem != "" {
			return value{}
		}
		sum += weight
	}
	if sumProblem(sum) != "" {
		return value{}
	}
	bucket, end := bucketOf(hash, sum), uint64(0)
	for _, item := range items {
		weight, _ := shareWeight(item)
		if end += weight; bucket < end {
			return item.items()[0]
		}
	}
	return value{}
}

func sumProblem(sum uint64) string {
	switch {
	case sum > maxWeight:
		return "the weights add up to more than 2147483647"
	case sum == 0:
		return "the weights add up to 0"
	default:
		return ""
	}
}

// shareWeight is the weight of a share, or what is wrong with the share. It is 1
// where none is given; below 0 counts as 0, since rules that compute a weight
// overshoot.
func shareWeight(share value) (weight uint64, problem string) {
	parts := share.items()
	switch {
	case share.kind != list || len(parts) == 0:
		return 0, "each share must be a list of a variant and a weight"
	case parts[0].box != nil || parts[0].isBareZero():
		return 0, "a share's variant must be a string, a boolean, a number or null"
	case len(parts) < 2 || parts[1].kind == null:
		return 1, ""
	case parts[1].kind != number || parts[1].isBareZero():
		return 0, "a weight must be a number"
	}
	switch n := parts[1].num; {
	case n != math.Trunc(n) || math.IsInf(n, 0):
		return 0, "a weight must be a whole number"
	case n > maxWeight || n < math.MinInt64:
		return 0, "a weight must not be more than 2147483647"
	default:
		return uint64(max(n, 0)), ""
	}
}
