//go:build race

package publish

// usualRounds is less under the race detector, where signatures take their time.
const usualRounds = 10
