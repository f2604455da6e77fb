//go:build !race

package publish

const usualRounds = 20
