package eval

// Room is asked whether there is memory for flags that are being compiled, and that take so many bytes already. It gives the pasts that are
// held beside the flags that they come after.
type Room func(bytes int) (pasts []*Past, ok bool)

// growth is of flags that are being compiled. Its nil value has all the room there is.
type growth struct {
	room  Room
	pasts []*Past
	last  int  // what was told
	no    bool // that was the answer
}

// growthStep is how many bytes more are told at a time.
const growthStep = 512 << 10

// tell asks where the flags have grown a good deal since the last time, and at the end. It gives false where there is no room.
func (g *growth) tell(bytes int, end bool) bool {
	return g == nil || !end && bytes < g.last+growthStep || g.ask(bytes)
}

func (g *growth) ask(bytes int) bool {
	pasts, ok := g.room(bytes)
	g.pasts, g.last, g.no = pasts, bytes, !ok
	return ok
}

func (g *growth) refused() bool { return g != nil && g.no }

func (g *growth) held() []*Past {
	if g == nil {
		return nil
	}
	return g.pasts
}
