package dmu

// aheadSums are the checksums of a chunk from its beginning to each place where a grain ends. The
// state over anything between two such places is computed from those, whoever asks, without
// another look at the bytes.
type aheadSums struct {
	number int64 // of the chunk
	grains int   // how many are summed
	upTo   [aheadSize/aheadGrain + 1]lanes
}

const (
	aheadGrain  = 2 << 10
	aheadSummed = 4 // chunks that sums are kept of, the one at the end of the window the last
)

// begin begins with a chunk.
func (s *aheadSums) begin(number int) { s.number, s.grains = int64(number), 0 }

// add goes on with p. Only the last part of a chunk is no whole number of grains.
func (s *aheadSums) add(p []byte) {
	for ; len(p) >= aheadGrain; p = p[aheadGrain:] {
		next := &s.upTo[s.grains+1]
		*next = s.upTo[s.grains]
		next.add(p[:aheadGrain])
		s.grains++
	}
}

// sum carries f on over p, which is at a place in the chunk.
func (s *aheadSums) sum(f *Fletcher4, p []byte, at int) {
	first := (at + aheadGrain - 1) / aheadGrain
	last := min((at+len(p))/aheadGrain, s.grains)
	if last < first+2 { // not worth it
		f.add(p)
		return
	}
	from, to := first*aheadGrain, last*aheadGrain
	const grainWords = aheadGrain / 4
	words := uint64(last-first) * grainWords
	middle := s.upTo[last].fold()
	middle.cut(s.upTo[first].fold(), words)
	f.add(p[:from-at])
	f.Join(middle, words)
	f.add(p[to-at:])
}

// keepSums keeps the sums of c, the next chunk, longer than c.
func (a *ReadAhead) keepSums(c *aheadChunk) {
	if c.sums == nil {
		return
	}
	kept := &a.sums[(a.number+1)%aheadSummed]
	if *kept == nil {
		*kept = new(aheadSums)
	}
	c.sums, *kept = *kept, c.sums
}

// sum carries f on over p, words in little-endian order that Window has returned of the place at.
func (a *ReadAhead) sum(f *Fletcher4, p []byte, at int64) {
	for len(p) > 0 {
		number, off := at/aheadSize, int(at%aheadSize)
		part := p[:min(len(p), aheadSize-off)]
		if s := a.sums[number%aheadSummed]; s != nil && s.number == number {
			s.sum(f, part, off)
		} else {
			f.add(part)
		}
		p, at = p[len(part):], at+int64(len(part))
	}
}
