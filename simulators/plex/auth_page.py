"""The page that stands in for app.plex.tv/auth: a button that signs in and returns."""

AUTH_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign in (simulated Plex)</title></head>
<body style="font-family: sans-serif; max-width: 30em; margin: 4em auto; text-align: center">
<h1>Simulated Plex</h1>
<p id="text">Sign in to let this app use your Plex account.</p>
<button id="go">Sign in</button>
<script>
const wanted = new URLSearchParams(location.hash.replace(/^#!?\\??/, ""));
document.getElementById("go").onclick = async () => {
  const answer = await fetch("/_control/sign_in", {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify({code: wanted.get("code")}),
  });
  const back = wanted.get("forwardUrl");
  if (answer.ok && back) location.assign(back);
  else document.getElementById("text").textContent = answer.ok ? "Signed in. You may close this window." : "This code is not valid any more.";
};
</script>
</body>
</html>
"""
