//go:build race

package publish

// usualRounds is less under the race detector, where each signature takes twenty times as long.
const usualRounds = 4
