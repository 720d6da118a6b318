// Package enter holds the pages of set-up, login and the account.
package enter

import (
	"github.com/a-h/templ"

	"nacre/views/layout"
	"nacre/views/parts"
	"nacre/views/words"
)

// Login is the page that asks who one is. Fresh says that there is nobody yet.
type Login struct {
	layout.Page
	Words   *words.Enter
	Fresh   bool
	Example string
	Problem string
	Said    string
	Back    string
	Entry   string
	User    string
	// Carried are the fields of a form that is to be sent again afterwards.
	Carried []layout.Field
}

// Again offers to send a form that was not carried out.
type Again struct {
	layout.Page
	Title, Text string
	Words       *words.Enter
	Action      string
	Fields      []layout.Field
	// Facts show what is in the fields.
	Facts []parts.Fact
}

// SetUp is the page behind the one-time link.
type SetUp struct {
	layout.Page
	Words *words.Enter
	// Closed says why the link does not work, with ClosedText; "" when it does.
	Closed, ClosedText string
	Action, Entry      string
	User               parts.Field
	Password, Again    parts.Field
}

// Account is the page about oneself.
type Account struct {
	layout.Page
	Words      *words.Enter
	Sessions   []Session
	Old, New   parts.Field
	Again      parts.Field
	UserHidden string
}

// Session is a place where one is signed in.
type Session struct {
	ID, IP, Agent string
	Since, Seen   parts.Moment
	This          bool
}

// sent is how a form is sent: what somebody typed may be large.
func sent(carried []layout.Field) templ.Attributes {
	if len(carried) == 0 {
		return nil
	}
	return templ.Attributes{"enctype": "multipart/form-data"}
}
