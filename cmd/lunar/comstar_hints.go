package main

import "strings"

// The daemon's hints name lunar's own verbs and flags. Under the name of one of COMSTAR's commands
// the hint names that command's, where it has one; otherwise lunar's verb stays, which works too.

// comstarHints are what hints say, and what each of COMSTAR's commands says instead; empty: the
// same. Where two fit, the first is taken.
var comstarHints = [...]struct{ lunar, sbdadm, stmfadm, itadm, iscsitadm string }{
	{lunar: "lunar lu list shows", sbdadm: "sbdadm list-lu shows", stmfadm: "stmfadm list-lu -v shows", iscsitadm: "iscsitadm list target -v shows"},
	{lunar: "lunar lu online", stmfadm: "stmfadm online-lu"},
	{lunar: "lunar target list -v shows", stmfadm: "stmfadm list-target -v shows", itadm: "itadm list-target -v shows", iscsitadm: "iscsitadm list target -v shows"},
	{lunar: "lunar target list shows", stmfadm: "stmfadm list-target shows", itadm: "itadm list-target shows", iscsitadm: "iscsitadm list target shows"},
	{lunar: "lunar target modify", itadm: "itadm modify-target"},
	{lunar: "lunar tpg list shows", itadm: "itadm list-tpg shows", iscsitadm: "iscsitadm list tpgt shows"},
	{lunar: "lunar initiator list shows", itadm: "itadm list-initiator shows", iscsitadm: "iscsitadm list initiator shows"},
	{lunar: "lunar initiator create", itadm: "itadm create-initiator"},
	{lunar: "lunar initiator modify", itadm: "itadm modify-initiator"},
	{lunar: "lunar hg list shows", stmfadm: "stmfadm list-hg -v shows"},
	{lunar: "lunar tg list shows", stmfadm: "stmfadm list-tg -v shows"},
	{lunar: "lunar view list shows", stmfadm: "stmfadm list-view -l GUID shows"},
	{lunar: "lunar view add", stmfadm: "stmfadm add-view"},
	{lunar: "lunar view remove GUID ENTRY", stmfadm: "stmfadm remove-view -l GUID ENTRY"},
	{lunar: "lunar radius set SERVER --secret-file FILE", itadm: "itadm modify-defaults -r SERVER -D FILE", iscsitadm: "iscsitadm modify admin -r SERVER -P"},
	{lunar: "--chap-secret-file FILE, or - to read it from", itadm: "-S FILE, or -s to read it from", iscsitadm: "-C, which reads it from"},
	{lunar: "--chap-user and --chap-secret-file", itadm: "-u and -S"},
	{lunar: "--auth mutual", itadm: "-a chap"},
	{lunar: "with --force after", sbdadm: "with lunar lu resize --force after", stmfadm: "with lunar lu resize --force after", iscsitadm: "with lunar lu resize --force after"},
	{lunar: "--force goes ahead", sbdadm: "--force of lunar lu goes ahead", stmfadm: "--force of lunar lu goes ahead", iscsitadm: "--force of lunar lu goes ahead"},
	{lunar: "--force", itadm: "-f"},
	{lunar: "--size", sbdadm: "-s", stmfadm: "-s", iscsitadm: "-z"},
}

// hintUnder is hint as the program says it that goes by the name command.
func hintUnder(command, hint string) string {
	var words []string
	for _, h := range comstarHints {
		instead := map[string]string{"sbdadm": h.sbdadm, "stmfadm": h.stmfadm, "itadm": h.itadm, "iscsitadm": h.iscsitadm}[command]
		if instead != "" {
			words = append(words, h.lunar, instead)
		}
	}
	return strings.NewReplacer(words...).Replace(hint)
}
