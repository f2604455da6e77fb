package sidecar

import "runtime/debug"

// Shares of the memory that the runtime plans with, where that is bounded. What clients take beyond them, the flags and the collector have
// too little of: near its bound the collector does not rest, and everybody waits for the processor.
const (
	shareOfConnections = 4
	shareOfUntaken     = 8
)

// connectionMemory is what a connection takes: buffers as large as a request's header and as an answer, and the stack of who serves it.
const connectionMemory = 28 << 10

// room is what clients may take of the memory, on all listeners of evaluations together.
type room struct {
	connections int
	untaken     int // bytes of bulk answers, see untaken
}

// roomWithin gives the room there is where the runtime is to keep within so many bytes, as it does by GOMEMLIMIT or a container's limit.
// Without such a limit it is the most that there is at all.
func roomWithin(memory int64) room {
	return room{
		connections: int(min(int64(evaluationLimits.connections), memory/shareOfConnections/connectionMemory)),
		untaken:     int(min(maxUntaken, memory/shareOfUntaken)),
	}
}

// roomHere is this process's.
func roomHere() room { return roomWithin(debug.SetMemoryLimit(-1)) }
