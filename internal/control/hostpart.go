package control

import (
	"crypto/rand"
	"net"
)

// hostPart returns what a GUID of COMSTAR's form says of this host: the address of its first
// network interface that was given one by its maker, or of any, or four random bytes and two zeros
// in the place of a host identifier.
func hostPart() (host [6]byte) {
	const local = 2 // the bit of addresses that are given by hand, or made up for a bridge or a container
	interfaces, _ := net.Interfaces()
	found := false
	for _, i := range interfaces {
		if len(i.HardwareAddr) != len(host) || [6]byte(i.HardwareAddr) == [6]byte{} {
			continue
		}
		if i.HardwareAddr[0]&local == 0 {
			return [6]byte(i.HardwareAddr)
		}
		if !found {
			host, found = [6]byte(i.HardwareAddr), true
		}
	}
	if !found {
		rand.Read(host[:4]) // never fails
	}
	return host
}
