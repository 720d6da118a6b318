// Package enter holds the pages of set-up, login and the account.
package enter

import (
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
