package main

import (
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// A comstarGroup makes the verbs of stmfadm that host groups and target groups share.
type comstarGroup struct {
	*cli
	kind  control.GroupKind
	short string // hg, tg
	word  string
	title string
}

func (g comstarGroup) verbs() []*cobra.Command {
	return []*cobra.Command{g.create(), g.list(), g.delete(), g.addMember(), g.removeMember()}
}

func (g comstarGroup) create() *cobra.Command {
	return g.verb("create-"+g.short+" NAME", "Make a "+g.word, func(cmd *cobra.Command, args []string) error {
		_, err := g.client().CreateMemberGroup(cmd.Context(), g.kind, control.MemberGroupCreate{Name: args[0]})
		return wordsMake.of(args[0], err)
	})
}

func (g comstarGroup) delete() *cobra.Command {
	return g.verb("delete-"+g.short+" NAME", "End a "+g.word+" that no view is for", func(cmd *cobra.Command, args []string) error {
		_, err := g.client().DeleteMemberGroup(cmd.Context(), g.kind, args[0])
		return comstarWord{http.StatusNotFound: "not found", http.StatusConflict: "group is in use by existing view entry"}.of(args[0], err)
	})
}

func (g comstarGroup) list() *cobra.Command {
	var verbose bool
	cmd := g.verb("list-"+g.short+" [NAME...]", "Show the "+g.word+"s", func(cmd *cobra.Command, args []string) error {
		list, err := g.client().MemberGroups(cmd.Context(), g.kind)
		if err != nil {
			return err
		}
		list, err = listed(list, args, func(i control.MemberGroupInfo, name string) bool { return i.Name == name })
		for _, found := range list {
			g.printf("%s: %s\n", g.title, found.Name)
			for _, m := range found.Members {
				if verbose {
					g.printf("\tMember: %s\n", memberWord(m))
				}
			}
		}
		return err
	})
	return verbosely(cmd, &verbose)
}

// memberWord writes the hexadecimal digits of a name in capitals, as COMSTAR does.
func memberWord(name string) string {
	for _, kind := range []string{"wwn.", "eui."} {
		if digits, is := strings.CutPrefix(name, kind); is {
			return kind + strings.ToUpper(digits)
		}
	}
	return name
}

func (g comstarGroup) addMember() *cobra.Command {
	return g.changeMembers("add-", "Put names into a ", func(cmd *cobra.Command, group, member string) error {
		_, err := g.client().AddMembers(cmd.Context(), g.kind, group, control.MembersChange{Members: []string{member}})
		return comstarWord{http.StatusConflict: "already exists"}.of(member, err)
	})
}

func (g comstarGroup) removeMember() *cobra.Command {
	return g.changeMembers("remove-", "Take names out of a ", func(cmd *cobra.Command, group, member string) error {
		_, err := g.client().RemoveMembers(cmd.Context(), g.kind, group, control.MembersChange{Members: []string{member}})
		return comstarWord{http.StatusConflict: "not found"}.of(member, err)
	})
}

// changeMembers is a verb that does change to each name: the names that are right change though
// others are wrong.
func (g comstarGroup) changeMembers(what, short string, change func(cmd *cobra.Command, group, member string) error) *cobra.Command {
	var group string
	cmd := g.verb(what+g.short+"-member MEMBER...", short+g.word, func(cmd *cobra.Command, args []string) error {
		return each(args, func(member string) error {
			err := notFound.of(group, change(cmd, group, member))
			return comstarWord{http.StatusBadRequest: "unrecognized device id"}.of(member, err)
		})
	})
	cmd.Flags().StringVarP(&group, "group-name", "g", "", "the "+g.word+"'s `NAME`")
	_ = cmd.MarkFlagRequired("group-name") // the flag is there
	return cmd
}
