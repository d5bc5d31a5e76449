package control

import "strings"

// A family of initiators, as far as its name tells.
type family struct {
	prefix, name string
}

var (
	esxi    = family{"iqn.1998-01.com.vmware:", "VMware ESXi"}
	windows = family{"iqn.1991-05.com.microsoft:", "Windows"}
	unknown = family{name: "unknown kind"}
)

// families are the names that initiators come with, unless somebody has changed them.
var families = []family{
	esxi,
	windows,
	{"iqn.1994-05.com.redhat:", "Linux"},
	{"iqn.1993-08.org.debian:", "Linux"},
	{"iqn.2004-10.com.ubuntu:", "Linux"},
	{"iqn.1996-04.de.suse:", "Linux"},
	{"iqn.2005-03.org.open-iscsi:", "Linux"},
	{"iqn.2016-04.com.open-iscsi:", "Linux"},
	{"iqn.2008-11.org.linux-kvm", "QEMU"},
	{"iqn.2007-10.com.github:sahlberg:libiscsi", "libiscsi"},
	{"iqn.1994-09.org.freebsd:", "FreeBSD"},
	{"iqn.1986-03.com.sun:", "Solaris or illumos"},
	{"iqn.2010-04.org.ipxe:", "iPXE"},
}

func familyOf(initiator string) family {
	for _, k := range families {
		if strings.HasPrefix(initiator, k.prefix) {
			return k
		}
	}
	return unknown
}
