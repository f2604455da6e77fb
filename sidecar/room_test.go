package sidecar

import (
	"math"
	"path/filepath"
	"testing"
)

// Where the memory is bounded, clients have a part of it, and elsewhere what they may have at all.
func TestRoomWithin(t *testing.T) {
	for memory, want := range map[int64]room{
		math.MaxInt64: {1024, 16 << 20},
		1 << 30:       {1024, 16 << 20},
		96 << 20:      {877, 12 << 20},
		48 << 20:      {438, 6 << 20}, // as the chart has it
		1 << 20:       {9, 128 << 10},
		0:             {},
	} {
		if got := roomWithin(memory); got != want {
			t.Errorf("within %d bytes: %+v; want %+v", memory, got, want)
		}
	}
}

// A listener keeps to it, and takes one connection where there is no room at all.
func TestListenersKeepToTheirRoom(t *testing.T) {
	for connections, want := range map[int]int{100: 50, 1: 1} {
		s, err := New(Config{FlagsFile: "flags.json", Socket: filepath.Join(shortDir(t), "s.sock"), Listen: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		s.room.connections = connections
		if err := s.listen(); err != nil {
			t.Fatal(err)
		}
		for _, one := range s.serving {
			if got := one.patrol.crowd.bound; got != want {
				t.Errorf("room for %d: %s takes %d; want %d", connections, one.name, got, want)
			}
		}
		closeAll(s.serving)
	}
}
