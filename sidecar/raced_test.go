//go:build race

package sidecar

// raced: the detector makes all of it some ten times as slow.
const raced = true
