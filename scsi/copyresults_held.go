package scsi

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// maxCopyRecords bounds the copies that a unit remembers for a nexus.
const maxCopyRecords = 64

// A copyLog is the copies of a nexus by a unit that it may still ask about, the oldest first.
type copyLog struct {
	mu      sync.Mutex
	records []*copyRecord
}

// A listKey identifies a copy: each kind of command has list identifiers of its own length.
type listKey struct {
	kind byte
	id   uint32
}

const (
	lid1 = 1 // EXTENDED COPY(LID1)
	lid4 = 4 // POPULATE TOKEN and WRITE USING TOKEN
)

// A copyRecord is what a copy has done so far, or has come to.
type copyRecord struct {
	key     *listKey // nil: nobody asks
	service byte     // service action
	moved   atomic.Int64

	mu       sync.Mutex
	segments int // done
	ended    bool
	status   Status
	sense    SenseData // fixed format
	token    *rodToken // made by POPULATE TOKEN
}

// begin notes a copy. A list identifier that is in use is refused; the record of an earlier copy
// with the same one makes room.
func (l *copyLog) begin(key *listKey, service byte) (*copyRecord, error) {
	r := &copyRecord{key: key, service: service}
	if key == nil {
		return r, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.find(*key); old != nil {
		switch {
		case old.state().ended:
		case key.kind == lid1:
			return nil, InvalidFieldInParameters.At(0)
		default:
			return nil, InvalidFieldInCDB.At(6)
		}
	}
	oldest := len(l.records) - maxCopyRecords
	l.records = slices.DeleteFunc(l.records, func(o *copyRecord) bool {
		full := oldest >= 0
		if (full || *o.key == *key) && o.state().ended {
			oldest--
			return true
		}
		return false
	})
	l.records = append(l.records, r)
	return r, nil
}

// get returns the copy of key; nil: there is none.
func (l *copyLog) get(key listKey) *copyRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.find(key)
}

func (l *copyLog) find(key listKey) *copyRecord {
	i := slices.IndexFunc(l.records, func(r *copyRecord) bool { return *r.key == key })
	if i < 0 {
		return nil
	}
	return l.records[i]
}

// forget drops r, which was told.
func (l *copyLog) forget(r *copyRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = slices.DeleteFunc(l.records, func(o *copyRecord) bool { return o == r })
}

// A copyState is a copyRecord at a moment.
type copyState struct {
	segments int
	moved    int64
	ended    bool
	status   Status
	sense    SenseData
	token    *rodToken
}

func (r *copyRecord) state() copyState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return copyState{r.segments, r.moved.Load(), r.ended, r.status, r.sense, r.token}
}

// segment counts one more segment that is done.
func (r *copyRecord) segment() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.segments++
}

// made notes the token that was made.
func (r *copyRecord) made(k *rodToken) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.token = k
}

// end notes how t's copy has ended and returns what its handler returns.
func (r *copyRecord) end(t *Task, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	if err == nil {
		return nil
	}
	switch {
	case errors.Is(err, errCancelled):
		r.status = TaskAborted
	case errors.As(err, &r.status):
	default:
		r.status = CheckCondition
		r.sense.encode(t.fault(err), false)
	}
	return err
}
