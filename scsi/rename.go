package scsi

import "slices"

// A Renaming is a change of target ports' names under way, as far as one unit knows them. Nothing
// is registered on the unit until End.
type Renaming struct {
	lu     *LogicalUnit
	rename func(port string) string
}

// RenameTargetPorts begins to rename target ports: rename returns a port's new name, or the one it
// has. Who is registered with a port, or has yet to hear something on it, is the same under its new
// name. Nobody may log in at the ports meanwhile.
func (lu *LogicalUnit) RenameTargetPorts(rename func(port string) string) *Renaming {
	lu.reserving.Lock()
	return &Renaming{lu, rename}
}

// of is s with the new names.
func (r *Renaming) of(s Reservations) Reservations {
	s.Registered = slices.Clone(s.Registered)
	for i := range s.Registered {
		s.Registered[i].TargetPort = r.rename(s.Registered[i].TargetPort)
	}
	if s.Reserved != nil {
		s.Reserved = &Registrant{s.Reserved.InitiatorPort, r.rename(s.Reserved.TargetPort)}
	}
	return s
}

// Lasting is what is to persist through a loss of power, in place of what was saved before.
func (r *Renaming) Lasting() Reservations {
	renamed := r.of(r.lu.Reservations())
	return renamed.lasting()
}

// End puts the names in force where they were saved, and leaves all as it was where not.
func (r *Renaming) End(saved bool) {
	lu := r.lu
	defer lu.reserving.Unlock()
	if !saved {
		return
	}
	lu.mu.Lock()
	defer lu.mu.Unlock()
	lu.publish(newRegistry(r.of(lu.registry.Reservations)))
	for i := range lu.lost {
		lu.lost[i].targetPort = r.rename(lu.lost[i].targetPort)
	}
}
