package server

import (
	"context"

	"nacre/server/auth"
	"nacre/server/fault"
	"nacre/server/settings"
	"nacre/web/console"
)

// firstUser is what the administrator is called that AdminPassword makes.
const firstUser = "nacos"

// checkAdminPassword refuses a first start with a password that nobody may have.
func (s *Server) checkAdminPassword() error {
	if s.opts.AdminPassword == "" || !s.users.NeedsSetUp() {
		return nil
	}
	if err := auth.CheckPassword(firstUser, s.opts.AdminPassword); err != nil {
		return &settings.Error{Setting: "NACRE_ADMIN_PASSWORD", Value: "***", Want: fault.TextOf(err)}
	}
	return nil
}

// welcome makes the first administrator where a password was given, else says at which link one can be made.
func (s *Server) welcome(ctx context.Context) {
	if s.opts.AdminPassword != "" {
		switch created, err := s.users.AddFirst(ctx, firstUser, s.opts.AdminPassword); {
		case err != nil:
			s.opts.Log.Error("the administrator could not be made", "user", firstUser, "error", err)
		case created:
			s.opts.Log.Info("the administrator was made with the password in NACRE_ADMIN_PASSWORD, which does not count any more", "user", firstUser)
		}
	}
	if token := s.users.SetUpToken(); token != "" {
		s.opts.Log.Info("there is no administrator yet: open this link to choose a password, it works once", "url", "http://"+s.Addr()+console.SetUpPath(token))
	}
}
