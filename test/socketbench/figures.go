//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// figures are what one round found, in µs.
type figures struct {
	cpu, p50, p99 float64
	perSecond     float64
}

func summarize(times [][]time.Duration, took, used time.Duration) (figures, error) {
	all := slices.Concat(times...)
	if len(all) == 0 {
		return figures{}, errors.New("no request was answered in time")
	}
	slices.Sort(all)
	return figures{
		cpu:       micros(used) / float64(len(all)),
		p50:       micros(all[len(all)/2]),
		p99:       micros(all[len(all)*99/100]),
		perSecond: float64(len(all)) / took.Seconds(),
	}, nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func medianOf(all []figures) figures {
	return figures{
		cpu:       median(all, func(f figures) float64 { return f.cpu }),
		p50:       median(all, func(f figures) float64 { return f.p50 }),
		p99:       median(all, func(f figures) float64 { return f.p99 }),
		perSecond: median(all, func(f figures) float64 { return f.perSecond }),
	}
}

func median(all []figures, of func(figures) float64) float64 {
	values := make([]float64, len(all))
	for i, f := range all {
		values[i] = of(f)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// pair is the floor and the sidecar under the same load.
type pair struct{ floor, burgee figures }

const pairHeader = "   floor µs CPU   burgee µs CPU   ratio      p50 floor   p50 burgee   ratio    requests/s"

func (p pair) String() string {
	return fmt.Sprintf("%15.2f %15.2f %7.2f %14.1f %12.1f %7.2f %13.0f",
		p.floor.cpu, p.burgee.cpu, p.burgee.cpu/p.floor.cpu, p.floor.p50, p.burgee.p50, p.burgee.p50/p.floor.p50, p.burgee.perSecond)
}

// beyond is the CPU time of a request that the floor does not need.
func (p pair) beyond() float64 { return p.burgee.cpu - p.floor.cpu }

// compare measures both in alternating rounds.
func compare(s settings, floor, burgee *process, requests [][]byte, conns int) (pair, error) {
	var floors, burgees []figures
	right := sameAnswers(len(requests))
	for range s.rounds {
		f, err := load(floor, requests, conns, s.warmup, s.window, anyAnswer)
		if err != nil {
			return pair{}, fmt.Errorf("floor: %w", err)
		}
		b, err := load(burgee, requests, conns, s.warmup, s.window, right)
		if err != nil {
			return pair{}, err
		}
		floors, burgees = append(floors, f), append(burgees, b)
	}
	return pair{medianOf(floors), medianOf(burgees)}, nil
}
