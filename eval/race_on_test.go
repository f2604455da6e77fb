//go:build race

package eval

// raceDetector makes tests of many subjects do with fewer.
const raceDetector = true
