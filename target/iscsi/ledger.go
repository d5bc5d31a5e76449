package iscsi

import (
	"cmp"
	"slices"
)

// maxAccounts is how many initiators a ledger tells apart.
const maxAccounts = 256

// A ledger keeps what the sessions have done that are gone, by initiator, so that the counts of an
// initiator only grow. Initiators for which there is no room share one account.
type ledger map[string]*Load

// account returns the account of an initiator, made at its first session.
func (l *ledger) account(initiator string) (name string, account *Load) {
	if *l == nil {
		*l = make(ledger)
	}
	if (*l)[initiator] == nil && len(*l) >= maxAccounts {
		initiator = ""
	}
	account = (*l)[initiator]
	if account == nil {
		account = new(Load)
		(*l)[initiator] = account
	}
	return initiator, account
}

// add enters what a session has done, whose commands are drained.
func (l *ledger) add(sess *session) {
	if sess.nexus == nil {
		return
	}
	_, account := l.account(sess.key.initiator)
	done := sess.load.total()
	account.add(&done)
}

// An InitiatorLoad is what the initiators of one name have done since the server began.
type InitiatorLoad struct {
	Initiator string // empty: those for which there was no room
	Sessions  int    // that are there
	Load
}

// Initiators returns what initiators have done, by name: no more than 257, however many came.
func (s *Server) Initiators() []InitiatorLoad {
	s.mu.Lock()
	defer s.mu.Unlock()
	byName := make(map[string]*InitiatorLoad)
	for _, sess := range s.byTSIH {
		if sess.nexus == nil {
			continue
		}
		name, _ := s.ledger.account(sess.key.initiator)
		if byName[name] == nil {
			byName[name] = &InitiatorLoad{Initiator: name}
		}
		sess.conn.mu.Lock()
		done := sess.load.total()
		sess.conn.mu.Unlock()
		byName[name].Sessions++
		byName[name].add(&done)
	}
	all := make([]InitiatorLoad, 0, len(s.ledger))
	for name, past := range s.ledger {
		one := InitiatorLoad{Initiator: name}
		if now := byName[name]; now != nil {
			one = *now
		}
		one.add(past)
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b InitiatorLoad) int { return cmp.Compare(a.Initiator, b.Initiator) })
	return all
}
