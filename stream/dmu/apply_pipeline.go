package dmu

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A pipeline carries batches to a volume: any worker decompresses, one writer writes, in the
// order in which they were submitted. A worker's word that a batch is ready goes through the
// batch itself, and so order is kept whichever worker is done first.
//
//	submit ──► line ──────────────────► write, checkpoint ──► spare
//	    └────► packed ──► unpack ──ready──┘
type pipeline struct {
	volume  Volume
	note    func(Cursor) error // makes a note of a place before which all is durable
	reached func(Cursor)       // hears of a place before which all is written; nil: nobody does
	every   time.Duration      // between notes

	spare  chan *batch
	packed chan *batch
	line   chan *batch
	long   chan *long
	under  sync.WaitGroup // batches under way
	ended  sync.WaitGroup // goroutines
	failed atomic.Pointer[error]

	// The writer's, and its caller's when nothing is under way.
	cursor Cursor // behind the last that was written
	noted  Cursor
	last   time.Time // of the last note
}

// pipelineBatches is how many batches there are.
const pipelineBatches = 4

func newPipeline(v Volume, o ApplyOptions, note func(Cursor) error) *pipeline {
	p := &pipeline{
		volume:  v,
		note:    note,
		reached: o.Reached,
		every:   o.Every,
		spare:   make(chan *batch, pipelineBatches),
		packed:  make(chan *batch, pipelineBatches),
		line:    make(chan *batch, pipelineBatches),
		long:    make(chan *long, 1),
		last:    time.Now(),
	}
	for range pipelineBatches {
		p.spare <- newBatch()
	}
	p.long <- new(long)
	p.ended.Go(p.write)
	for range min(runtime.GOMAXPROCS(0), pipelineBatches) {
		p.ended.Go(p.unpack)
	}
	return p
}

// take waits for a batch, which is empty.
func (p *pipeline) take() *batch { return <-p.spare }

// submit hands b on.
func (p *pipeline) submit(b *batch) {
	p.under.Add(1)
	if len(b.packed) > 0 {
		p.packed <- b
	}
	p.line <- b
}

// drain waits until nothing is under way, and returns what went wrong.
func (p *pipeline) drain() error {
	p.under.Wait()
	return p.err()
}

func (p *pipeline) err() error {
	if err := p.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// release gives up the room for a long block. Nothing is under way.
func (p *pipeline) release() {
	l := <-p.long
	l.out = nil
	p.long <- l
}

// close ends the goroutines. What was submitted is done first.
func (p *pipeline) close() {
	close(p.line)
	close(p.packed)
	p.ended.Wait()
}

func (p *pipeline) unpack() {
	var c Codec
	for b := range p.packed {
		b.ready <- b.unpack(&c)
	}
}

func (p *pipeline) write() {
	for b := range p.line {
		var err error
		if len(b.packed) > 0 {
			err = <-b.ready
		}
		if err == nil && p.err() == nil {
			err = p.put(b)
		}
		if err != nil {
			p.failed.CompareAndSwap(nil, &err)
		}
		if b.loan != nil {
			p.long <- b.giveBack()
		}
		b.reset()
		p.spare <- b
		p.under.Done()
	}
}

func (p *pipeline) put(b *batch) error {
	if err := b.write(p.volume); err != nil {
		return err
	}
	if (b.cursor != Cursor{}) {
		p.cursor = b.cursor
		if p.reached != nil {
			p.reached(p.cursor)
		}
	}
	if time.Since(p.last) < p.every {
		return nil
	}
	return p.checkpoint()
}

// checkpoint makes what was written durable, and then makes a note of how far that is. It is the
// writer's, or its caller's when nothing is under way.
func (p *pipeline) checkpoint() error {
	if p.cursor == p.noted {
		return nil
	}
	if err := p.volume.Sync(); err != nil {
		return err
	}
	if err := p.note(p.cursor); err != nil {
		return err
	}
	p.noted, p.last = p.cursor, time.Now()
	return nil
}
