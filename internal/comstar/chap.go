package comstar

import "fmt"

// The daemon before COMSTAR asks an initiator for a secret where it knows one, and proves itself
// with one secret for all targets. Here it is the target that says what it asks for.

// readAdmin reads what iscsitadm modify admin set.
func (i *iscsitgt) readAdmin() (err error) {
	admin := i.groups["iscsitgt"]
	passwords := i.groups["passwords"]
	i.Defaults = Defaults{
		RADIUSServer: admin.value("radius-server"),
		ISNS:         admin.value("isns-access") == "true",
	}
	if i.Defaults.RADIUSSecret, err = decodeSecret(passwords.value("radius"), "the RADIUS secret"); err != nil {
		return err
	}
	if admin.value("radius-access") == "true" {
		i.Defaults.Auth = "radius"
	}
	if server := admin.value("isns-server"); server != "" {
		i.Defaults.ISNSServers = []string{server}
	}
	if admin.value("fast-write-ack") == "true" {
		i.lose("whether writes are answered before they are durable is a unit's own choice: lunar lu modify --write-cache", "fast-write-ack")
	}
	return nil
}

func (i *iscsitgt) readInitiator(local string, g propertyGroup) error {
	n := Initiator{Name: g.value("iscsi-name"), CHAPUser: g.value("chap-name")}
	if n.Name == "" {
		return fmt.Errorf("initiator %s has no iSCSI name", local)
	}
	i.initiators[local] = n.Name
	var err error
	if n.CHAPSecret, err = decodeSecret(i.groups["passwords"].value("I_"+local), "the secret of initiator "+local); err != nil {
		return err
	}
	if n.CHAPUser != "" && n.CHAPSecret == nil {
		i.lose("the export has none: svccfg export -a has", "the CHAP secret of initiator %s", local)
	}
	i.Initiators = append(i.Initiators, n)
	return nil
}

// authenticate finds what target t, whose list of initiators is guards, asks for and proves.
func (i *iscsitgt) authenticate(t *Target, name string, guards []string) {
	secrets := make(map[string]bool)
	for _, n := range i.Initiators {
		secrets[n.Name] = n.CHAPSecret != nil || n.CHAPUser != ""
	}
	var with, without int
	for _, local := range guards {
		if secrets[i.initiators[local]] {
			with++
		} else {
			without++
		}
	}
	switch {
	case i.Defaults.Auth != "":
		t.Auth = i.Defaults.Auth
	case with > 0:
		t.Auth = "chap"
		if without > 0 {
			i.lose(fmt.Sprintf("a target asks all initiators or none: %d without a secret can no longer log in", without), "target %s", name)
		}
	default:
		t.Auth = "none"
	}
	if secret, err := decodeSecret(i.groups["passwords"].value("main"), ""); err == nil && secret != nil {
		t.CHAPUser, t.CHAPSecret = i.groups["iscsitgt"].value("chap-name"), secret
	}
}
