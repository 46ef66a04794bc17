<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de">
<context>
    <name></name>
    <message>
        <source>This choice could not be saved</source>
        <translation>Diese Wahl konnte nicht gespeichert werden</translation>
    </message>
    <message>
        <source>Some settings in {file} do not hold</source>
        <translation>Einige Einstellungen in {file} gelten nicht</translation>
    </message>
    <message>
        <source>Each step is asked about until that is mended. Ctrl+, opens the settings.</source>
        <translation>Bis das behoben ist, wird vor jedem Schritt gefragt. Strg+, öffnet die Einstellungen.</translation>
    </message>
    <message>
        <source>Candidates on the desktop</source>
        <translation>Kandidaten auf dem Bildschirm</translation>
    </message>
    <message>
        <source>&apos;{word}&apos; may have consequences</source>
        <translation>„{word}“ kann Folgen haben</translation>
    </message>
    <message>
        <source>confirm mode asks before every input</source>
        <translation>in diesem Modus wird vor jeder Eingabe gefragt</translation>
    </message>
    <message>
        <source>not sure enough: {have} is below {need}</source>
        <translation>nicht sicher genug: {have} liegt unter {need}</translation>
    </message>
    <message>
        <source>everything is asked about</source>
        <translation>nach allem wird gefragt</translation>
    </message>
    <message>
        <source>nothing says which application this is</source>
        <translation>nichts verrät, welches Programm das ist</translation>
    </message>
    <message>
        <source>the window&apos;s title says &apos;{word}&apos;</source>
        <translation>im Titel des Fensters steht „{word}“</translation>
    </message>
    <message>
        <source>stopped by you</source>
        <translation>von Ihnen angehalten</translation>
    </message>
    <message>
        <source>stopped: you pressed a key</source>
        <translation>angehalten: Sie haben eine Taste gedrückt</translation>
    </message>
    <message>
        <source>stopped: you pressed a mouse button</source>
        <translation>angehalten: Sie haben eine Maustaste gedrückt</translation>
    </message>
    <message>
        <source>stopped: you moved the mouse</source>
        <translation>angehalten: Sie haben die Maus bewegt</translation>
    </message>
    <message>
        <source>it was refused</source>
        <translation>abgelehnt</translation>
    </message>
    <message>
        <source>skipped</source>
        <translation>übersprungen</translation>
    </message>
    <message>
        <source>nobody was there to approve it</source>
        <translation>niemand war da, um es zu erlauben</translation>
    </message>
    <message>
        <source>the limit of {count} steps is reached</source>
        <translation>die Grenze von {count} Schritten ist erreicht</translation>
    </message>
    <message>
        <source>the limit of {count} seconds is reached</source>
        <translation>die Grenze von {count} Sekunden ist erreicht</translation>
    </message>
    <message>
        <source>a rule forbids &apos;{word}&apos;</source>
        <translation>eine Regel verbietet „{word}“</translation>
    </message>
    <message>
        <source>a rule forbids this kind of input ({kind})</source>
        <translation>eine Regel verbietet diese Art von Eingabe ({kind})</translation>
    </message>
    <message>
        <source>click {what}</source>
        <translation>klicken: {what}</translation>
    </message>
    <message>
        <source>double-click {what}</source>
        <translation>doppelklicken: {what}</translation>
    </message>
    <message>
        <source>triple-click {what}</source>
        <translation>dreifach klicken: {what}</translation>
    </message>
    <message>
        <source>right-click {what}</source>
        <translation>rechtsklicken: {what}</translation>
    </message>
    <message>
        <source>middle-click {what}</source>
        <translation>mit der mittleren Taste klicken: {what}</translation>
    </message>
    <message>
        <source>press {what}</source>
        <translation>drücken: {what}</translation>
    </message>
    <message>
        <source>type {what} into {where}</source>
        <translation>{what} eingeben in {where}</translation>
    </message>
    <message>
        <source>type {what}</source>
        <translation>{what} eingeben</translation>
    </message>
    <message>
        <source>drag {what} to {where}</source>
        <translation>{what} ziehen nach {where}</translation>
    </message>
    <message>
        <source>scroll up {what}</source>
        <translation>nach oben rollen: {what}</translation>
    </message>
    <message>
        <source>scroll down {what}</source>
        <translation>nach unten rollen: {what}</translation>
    </message>
    <message>
        <source>wait {what} s</source>
        <translation>{what} s warten</translation>
    </message>
    <message>
        <source>ask {what}</source>
        <translation>fragen: {what}</translation>
    </message>
    <message>
        <source>up</source>
        <translation>nach oben</translation>
    </message>
    <message>
        <source>down</source>
        <translation>nach unten</translation>
    </message>
    <message>
        <source>left</source>
        <translation>nach links</translation>
    </message>
    <message>
        <source>right</source>
        <translation>nach rechts</translation>
    </message>
    <message>
        <source>{click} {place}</source>
        <translation>{click} auf {place}</translation>
    </message>
    <message>
        <source>Drag &apos;{source}&apos; to &apos;{destination}&apos;</source>
        <translation>„{source}“ nach „{destination}“ ziehen</translation>
    </message>
    <message>
        <source>Scroll {direction} by {amount}</source>
        <translation>{amount} Rasten {direction} rollen</translation>
    </message>
    <message>
        <source> over {place}</source>
        <translation> über {place}</translation>
    </message>
    <message>
        <source> into {place}</source>
        <translation> in {place}</translation>
    </message>
    <message>
        <source> where the cursor is</source>
        <translation> an der Schreibmarke</translation>
    </message>
    <message>
        <source>Type {text}</source>
        <translation>{text} eingeben</translation>
    </message>
    <message>
        <source>Press {keys}</source>
        <translation>{keys} drücken</translation>
    </message>
    <message>
        <source>Right-click</source>
        <translation>Rechtsklick</translation>
    </message>
    <message>
        <source>Middle-click</source>
        <translation>Mittelklick</translation>
    </message>
    <message>
        <source>Click</source>
        <translation>Klick</translation>
    </message>
    <message>
        <source>Double-click</source>
        <translation>Doppelklick</translation>
    </message>
    <message>
        <source>Triple-click</source>
        <translation>Dreifachklick</translation>
    </message>
    <message>
        <source>, which reads &quot;{text}&quot;,</source>
        <translation>, wo „{text}“ steht,</translation>
    </message>
    <message>
        <source>at {x}, {y} (sure to {p})</source>
        <translation>bei {x}, {y} (zu {p} sicher)</translation>
    </message>
    <message>
        <source>Like the system</source>
        <translation>Wie das System</translation>
    </message>
    <message>
        <source>done</source>
        <translation>erledigt</translation>
    </message>
    <message>
        <source>refused</source>
        <translation>abgelehnt</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>misslungen</translation>
    </message>
    <message>
        <source>dry run</source>
        <translation>Probelauf</translation>
    </message>
    <message>
        <source>unknown</source>
        <translation>unbekannt</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>angehalten</translation>
    </message>
    <message>
        <source>not found</source>
        <translation>nicht gefunden</translation>
    </message>
    <message>
        <source>unfinished</source>
        <translation>unvollendet</translation>
    </message>
    <message>
        <source>damaged</source>
        <translation>beschädigt</translation>
    </message>
    <message>
        <source>running</source>
        <translation>läuft</translation>
    </message>
    <message>
        <source>error</source>
        <translation>Fehler</translation>
    </message>
    <message>
        <source>limit</source>
        <translation>Grenze erreicht</translation>
    </message>
    <message>
        <source>not_found</source>
        <translation>nicht gefunden</translation>
    </message>
    <message>
        <source>annotated picture</source>
        <translation>Bild mit Markierungen</translation>
    </message>
    <message>
        <source>attention map and candidates for NumPy</source>
        <translation>Aufmerksamkeit und Kandidaten für NumPy</translation>
    </message>
    <message>
        <source>all as text</source>
        <translation>alles als Text</translation>
    </message>
    <message>
        <source>observe</source>
        <translation>sehen</translation>
    </message>
    <message>
        <source>ocr</source>
        <translation>lesen</translation>
    </message>
    <message>
        <source>suffix</source>
        <translation>fragen</translation>
    </message>
    <message>
        <source>match</source>
        <translation>zuordnen</translation>
    </message>
    <message>
        <source>regions</source>
        <translation>Bereiche</translation>
    </message>
    <message>
        <source>wordings</source>
        <translation>Wortlaute</translation>
    </message>
    <message>
        <source>rank</source>
        <translation>ordnen</translation>
    </message>
    <message>
        <source>verify</source>
        <translation>prüfen</translation>
    </message>
    <message>
        <source>total</source>
        <translation>gesamt</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>Hide all windows (the tray icon shows them again)</source>
        <translation>Alle Fenster verbergen (das Symbol in der Leiste zeigt sie wieder)</translation>
    </message>
    <message>
        <source>Windows</source>
        <translation>Fenster</translation>
    </message>
    <message>
        <source>Hide Reticle</source>
        <translation>Reticle verbergen</translation>
    </message>
    <message>
        <source>Show Reticle</source>
        <translation>Reticle zeigen</translation>
    </message>
    <message>
        <source>Asked because: {reason}</source>
        <translation>Gefragt, weil: {reason}</translation>
    </message>
    <message>
        <source>Approval</source>
        <translation>Erlaubnis</translation>
    </message>
    <message>
        <source>Do this?</source>
        <translation>Soll das geschehen?</translation>
    </message>
    <message>
        <source>Your answer</source>
        <translation>Ihre Antwort</translation>
    </message>
    <message>
        <source>Approve</source>
        <translation>Erlauben</translation>
    </message>
    <message>
        <source>Send this input (click only; no key approves)</source>
        <translation>Diese Eingabe senden (nur mit einem Klick; keine Taste erlaubt)</translation>
    </message>
    <message>
        <source>Refuse</source>
        <translation>Ablehnen</translation>
    </message>
    <message>
        <source>Do not send it</source>
        <translation>Nicht senden</translation>
    </message>
    <message>
        <source>A question</source>
        <translation>Eine Frage</translation>
    </message>
    <message>
        <source>The run waits for your answer.</source>
        <translation>Der Lauf wartet auf Ihre Antwort.</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>Antworten</translation>
    </message>
    <message>
        <source>Restart the model</source>
        <translation>Modell neu starten</translation>
    </message>
    <message>
        <source>Start the model process again</source>
        <translation>Den Prozess des Modells erneut starten</translation>
    </message>
    <message>
        <source>Dismiss message</source>
        <translation>Meldung schließen</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>Point at anything on the screen</source>
        <translation>Auf alles zeigen, was auf dem Bildschirm ist</translation>
    </message>
    <message>
        <source>Capture the screen or open a picture, say in plain words what you look for, and press Find. Reticle shows where it is and how sure it is before anything is clicked.</source>
        <translation>Nehmen Sie den Bildschirm auf oder öffnen Sie ein Bild, sagen Sie in einfachen Worten, was Sie suchen, und drücken Sie „Finden“. Reticle zeigt, wo es ist und wie sicher das ist, bevor etwas geklickt wird.</translation>
    </message>
    <message>
        <source>You can also drop a picture here or paste one with Ctrl+V. F1 lists the keys, Ctrl+Shift+P finds every action.</source>
        <translation>Sie können auch ein Bild hierher ziehen oder mit Strg+V einfügen. F1 zeigt die Tasten, Strg+Umschalt+P findet jeden Befehl.</translation>
    </message>
    <message>
        <source>Capture screen</source>
        <translation>Bildschirm aufnehmen</translation>
    </message>
    <message>
        <source>Take a picture of the screen with this window hidden</source>
        <translation>Den Bildschirm ohne dieses Fenster aufnehmen</translation>
    </message>
    <message>
        <source>Open picture…</source>
        <translation>Bild öffnen …</translation>
    </message>
    <message>
        <source>Use a picture file instead of the screen</source>
        <translation>Eine Bilddatei statt des Bildschirms verwenden</translation>
    </message>
    <message>
        <source>Working</source>
        <translation>In Arbeit</translation>
    </message>
    <message>
        <source>seen</source>
        <translation>gesehen</translation>
    </message>
    <message>
        <source>read</source>
        <translation>gelesen</translation>
    </message>
    <message>
        <source>element</source>
        <translation>Element</translation>
    </message>
    <message>
        <source>Candidate {rank}: {what}, probability {p}</source>
        <translation>Kandidat {rank}: {what}, Wahrscheinlichkeit {p}</translation>
    </message>
    <message>
        <source>at {x}, {y}</source>
        <translation>bei {x}, {y}</translation>
    </message>
    <message>
        <source>Point {x}, {y}</source>
        <translation>Punkt {x}, {y}</translation>
    </message>
    <message>
        <source>Attention {share} of the map</source>
        <translation>Aufmerksamkeit {share} der Karte</translation>
    </message>
    <message>
        <source>Found by {origin}</source>
        <translation>Herkunft: {origin}</translation>
    </message>
    <message>
        <source>Choose: {name}</source>
        <translation>Auswählen: {name}</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>Auswählen …</translation>
    </message>
    <message>
        <source>Blue to sand</source>
        <translation>Blau bis Sand</translation>
    </message>
    <message>
        <source>One colour</source>
        <translation>Eine Farbe</translation>
    </message>
    <message>
        <source>in {seconds} s</source>
        <translation>in {seconds} s</translation>
    </message>
    <message>
        <source>Commands</source>
        <translation>Befehle</translation>
    </message>
    <message>
        <source>Search commands</source>
        <translation>Befehle suchen</translation>
    </message>
    <message>
        <source>Arrows choose, Enter does it, Escape closes</source>
        <translation>Pfeile wählen, Eingabe führt aus, Escape schließt</translation>
    </message>
    <message>
        <source>No command fits. Try other words.</source>
        <translation>Kein Befehl passt. Versuchen Sie andere Worte.</translation>
    </message>
    <message>
        <source>Search shortcuts</source>
        <translation>Tastenkürzel suchen</translation>
    </message>
    <message>
        <source>What do you want to do?</source>
        <translation>Was möchten Sie tun?</translation>
    </message>
    <message>
        <source>not possible now</source>
        <translation>jetzt nicht möglich</translation>
    </message>
    <message>
        <source>waits for you</source>
        <translation>wartet auf Sie</translation>
    </message>
    <message>
        <source>Step {number}: {text}, {state}</source>
        <translation>Schritt {number}: {text}, {state}</translation>
    </message>
    <message>
        <source>Steps of the run</source>
        <translation>Schritte des Laufs</translation>
    </message>
    <message>
        <source>Time line</source>
        <translation>Zeitleiste</translation>
    </message>
    <message>
        <source>Time per phase</source>
        <translation>Zeit je Abschnitt</translation>
    </message>
    <message>
        <source>Total</source>
        <translation>Gesamt</translation>
    </message>
    <message>
        <source>The end of this run was cut off</source>
        <translation>Das Ende dieses Laufs fehlt</translation>
    </message>
    <message>
        <source>mark a step</source>
        <translation>Schritt beurteilen</translation>
    </message>
    <message>
        <source>take a mark back</source>
        <translation>Urteil zurücknehmen</translation>
    </message>
    <message>
        <source>correct a region</source>
        <translation>Bereich berichtigen</translation>
    </message>
    <message>
        <source>take a correction back</source>
        <translation>Berichtigung zurücknehmen</translation>
    </message>
    <message>
        <source>Step {number} of “{task}”</source>
        <translation>Schritt {number} von „{task}“</translation>
    </message>
    <message>
        <source>delete “{task}”</source>
        <translation>„{task}“ löschen</translation>
    </message>
    <message>
        <source>left out: {what}</source>
        <translation>ausgelassen: {what}</translation>
    </message>
    <message>
        <source>Exported {count} {items}</source>
        <translation>{count} {items} exportiert</translation>
    </message>
    <message>
        <source>That did not work</source>
        <translation>Das hat nicht geklappt</translation>
    </message>
    <message>
        <source>Loading the model…</source>
        <translation>Modell wird geladen …</translation>
    </message>
    <message>
        <source>Restarting the model…</source>
        <translation>Modell wird neu gestartet …</translation>
    </message>
    <message>
        <source>Opening another model…</source>
        <translation>Anderes Modell wird geöffnet …</translation>
    </message>
    <message>
        <source>Opening the model again…</source>
        <translation>Modell wird erneut geöffnet …</translation>
    </message>
    <message>
        <source>The model is still opening</source>
        <translation>Das Modell wird noch geöffnet</translation>
    </message>
    <message>
        <source>{name} ready</source>
        <translation>{name} bereit</translation>
    </message>
    <message>
        <source>Model not running</source>
        <translation>Modell läuft nicht</translation>
    </message>
    <message>
        <source>The model is not running</source>
        <translation>Das Modell läuft nicht</translation>
    </message>
    <message>
        <source>the picture in the clipboard cannot be read</source>
        <translation>das Bild in der Zwischenablage ist nicht lesbar</translation>
    </message>
    <message>
        <source>Say what to look for</source>
        <translation>Sagen Sie, was gesucht wird</translation>
    </message>
    <message>
        <source>For example: the Save button</source>
        <translation>Zum Beispiel: die Schaltfläche Speichern</translation>
    </message>
    <message>
        <source>Not found on this screen</source>
        <translation>Auf diesem Bildschirm nicht gefunden</translation>
    </message>
    <message>
        <source>The likeliest place has {best}; at least {needed} is needed. Try other words, or capture again.</source>
        <translation>Die wahrscheinlichste Stelle hat {best}; nötig sind mindestens {needed}. Versuchen Sie andere Worte oder nehmen Sie erneut auf.</translation>
    </message>
    <message>
        <source>Press Enter again once the dot below is green.</source>
        <translation>Drücken Sie noch einmal die Eingabetaste, sobald der Punkt unten grün ist.</translation>
    </message>
    <message>
        <source>Say what to do</source>
        <translation>Sagen Sie, was zu tun ist</translation>
    </message>
    <message>
        <source>For example: open the File menu, then click Save</source>
        <translation>Zum Beispiel: open the File menu, then click Save</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>Angehalten</translation>
    </message>
    <message>
        <source>A run is in progress</source>
        <translation>Ein Lauf ist im Gange</translation>
    </message>
    <message>
        <source>Stop it first, or wait for its end.</source>
        <translation>Halten Sie ihn an oder warten Sie sein Ende ab.</translation>
    </message>
    <message>
        <source>Look: like the system</source>
        <translation>Aussehen: wie das System</translation>
    </message>
    <message>
        <source>Look: light</source>
        <translation>Aussehen: hell</translation>
    </message>
    <message>
        <source>Look: dark</source>
        <translation>Aussehen: dunkel</translation>
    </message>
    <message>
        <source>State of the model</source>
        <translation>Zustand des Modells</translation>
    </message>
    <message>
        <source>Timings</source>
        <translation>Zeiten</translation>
    </message>
    <message>
        <source>Heat map</source>
        <translation>Wärmebild</translation>
    </message>
    <message>
        <source>Show or hide the heat map (H)</source>
        <translation>Wärmebild zeigen oder verbergen (H)</translation>
    </message>
    <message>
        <source>All candidates</source>
        <translation>Alle Kandidaten</translation>
    </message>
    <message>
        <source>Draw also candidates of a few percent (A)</source>
        <translation>Auch Kandidaten mit wenigen Prozent zeichnen (A)</translation>
    </message>
    <message>
        <source>Number elements</source>
        <translation>Elemente nummerieren</translation>
    </message>
    <message>
        <source>Number everything that was parsed (E)</source>
        <translation>Alles nummerieren, was erkannt wurde (E)</translation>
    </message>
    <message>
        <source>Trail</source>
        <translation>Spur</translation>
    </message>
    <message>
        <source>Show where past steps of the run pointed (T)</source>
        <translation>Zeigen, wohin frühere Schritte des Laufs zeigten (T)</translation>
    </message>
    <message>
        <source>Opacity of the heat map</source>
        <translation>Deckkraft des Wärmebilds</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>Verkleinern</translation>
    </message>
    <message>
        <source>Zoom out (Ctrl+-)</source>
        <translation>Verkleinern (Strg+-)</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>Vergrößern</translation>
    </message>
    <message>
        <source>Zoom in (Ctrl++)</source>
        <translation>Vergrößern (Strg++)</translation>
    </message>
    <message>
        <source>Fit</source>
        <translation>Einpassen</translation>
    </message>
    <message>
        <source>Fit the picture to the window (Ctrl+0)</source>
        <translation>Das Bild ins Fenster einpassen (Strg+0)</translation>
    </message>
    <message>
        <source>Inspector</source>
        <translation>Inspektor</translation>
    </message>
    <message>
        <source>Look into the attention on this picture (Ctrl+I)</source>
        <translation>Die Aufmerksamkeit auf diesem Bild ansehen (Strg+I)</translation>
    </message>
    <message>
        <source>Recorded runs</source>
        <translation>Aufgezeichnete Läufe</translation>
    </message>
    <message>
        <source>Look through recorded runs (Ctrl+R)</source>
        <translation>Aufgezeichnete Läufe durchsehen (Strg+R)</translation>
    </message>
    <message>
        <source>Models: which one is used, get others, measure this machine (Ctrl+M)</source>
        <translation>Modelle: welches benutzt wird, andere holen, diesen Rechner messen (Strg+M)</translation>
    </message>
    <message>
        <source>First steps</source>
        <translation>Erste Schritte</translation>
    </message>
    <message>
        <source>First steps: checks, permissions, pointer, a short tour (Shift+F1)</source>
        <translation>Erste Schritte: Prüfung, Berechtigungen, Zeiger, kurzer Rundgang (Umschalt+F1)</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>Settings (Ctrl+,)</source>
        <translation>Einstellungen (Strg+,)</translation>
    </message>
    <message>
        <source>Look</source>
        <translation>Aussehen</translation>
    </message>
    <message>
        <source>{look} (click to change)</source>
        <translation>{look} (klicken wechselt)</translation>
    </message>
    <message>
        <source>Ask before each step</source>
        <translation>Vor jedem Schritt fragen</translation>
    </message>
    <message>
        <source>Nothing is sent until you approve it</source>
        <translation>Nichts wird gesendet, bevor Sie es erlauben</translation>
    </message>
    <message>
        <source>Dry run</source>
        <translation>Probelauf</translation>
    </message>
    <message>
        <source>Shows and records what it would do, sends nothing</source>
        <translation>Zeigt und zeichnet auf, was geschähe, sendet nichts</translation>
    </message>
    <message>
        <source>Act alone</source>
        <translation>Selbst handeln</translation>
    </message>
    <message>
        <source>Asks only where it is unsure or something is at stake</source>
        <translation>Fragt nur, wo es unsicher ist oder etwas auf dem Spiel steht</translation>
    </message>
    <message>
        <source>What should be pointed at or done?  e.g.  the Save button</source>
        <translation>Was soll gezeigt oder getan werden?  z. B.  the Save button</translation>
    </message>
    <message>
        <source>What should be pointed at or done?</source>
        <translation>Was soll gezeigt oder getan werden?</translation>
    </message>
    <message>
        <source>What to point at or do?</source>
        <translation>Was zeigen, was tun?</translation>
    </message>
    <message>
        <source>Instruction</source>
        <translation>Anweisung</translation>
    </message>
    <message>
        <source>Find</source>
        <translation>Finden</translation>
    </message>
    <message>
        <source>Show where it is on this picture, or else on this screen (Enter)</source>
        <translation>Zeigen, wo es auf diesem Bild ist, ohne Bild auf diesem Bildschirm (Eingabe)</translation>
    </message>
    <message>
        <source>Mode of a run</source>
        <translation>Modus eines Laufs</translation>
    </message>
    <message>
        <source>Run</source>
        <translation>Ausführen</translation>
    </message>
    <message>
        <source>Carry out the instruction on the live desktop (Ctrl+Enter)</source>
        <translation>Die Anweisung auf dem laufenden Bildschirm ausführen (Strg+Eingabe)</translation>
    </message>
    <message>
        <source>Stop at once (Esc)</source>
        <translation>Sofort anhalten (Esc)</translation>
    </message>
    <message>
        <source>Capture</source>
        <translation>Aufnehmen</translation>
    </message>
    <message>
        <source>Take a picture of this screen; the arrow offers other sources</source>
        <translation>Diesen Bildschirm aufnehmen; der Pfeil bietet andere Quellen</translation>
    </message>
    <message>
        <source>This screen</source>
        <translation>Dieser Bildschirm</translation>
    </message>
    <message>
        <source>Monitor {number}: {what}</source>
        <translation>Bildschirm {number}: {what}</translation>
    </message>
    <message>
        <source>Paste picture</source>
        <translation>Bild einfügen</translation>
    </message>
    <message>
        <source>Captured just now</source>
        <translation>Soeben aufgenommen</translation>
    </message>
    <message>
        <source>{name}, part at {x}, {y}</source>
        <translation>{name}, Ausschnitt bei {x}, {y}</translation>
    </message>
    <message>
        <source>Pasted picture</source>
        <translation>Eingefügtes Bild</translation>
    </message>
    <message>
        <source>Reading the screen…</source>
        <translation>Der Bildschirm wird gelesen …</translation>
    </message>
    <message>
        <source>Written</source>
        <translation>Geschrieben</translation>
    </message>
    <message>
        <source>Open a screenshot, capture the screen, or take a step of a recorded run; then say what to look for.</source>
        <translation>Öffnen Sie ein Bildschirmfoto, nehmen Sie den Bildschirm auf oder wählen Sie einen Schritt eines aufgezeichneten Laufs; dann sagen Sie, was gesucht wird.</translation>
    </message>
    <message>
        <source>Open…</source>
        <translation>Öffnen …</translation>
    </message>
    <message>
        <source>Use a picture file (Ctrl+O)</source>
        <translation>Eine Bilddatei verwenden (Strg+O)</translation>
    </message>
    <message>
        <source>Take a picture of the screen with own windows hidden</source>
        <translation>Den Bildschirm ohne eigene Fenster aufnehmen</translation>
    </message>
    <message>
        <source>Step of a run…</source>
        <translation>Schritt …</translation>
    </message>
    <message>
        <source>Take a picture from a recorded run</source>
        <translation>Ein Bild aus einem aufgezeichneten Lauf nehmen</translation>
    </message>
    <message>
        <source>Region</source>
        <translation>Ausschnitt</translation>
    </message>
    <message>
        <source>Draw a box: only that part of the picture is looked at (R)</source>
        <translation>Einen Rahmen ziehen: nur dieser Teil des Bildes wird betrachtet (R)</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>Vergleichen</translation>
    </message>
    <message>
        <source>Ask two things of the same picture side by side (C)</source>
        <translation>Zweierlei nebeneinander am selben Bild fragen (C)</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>Exportieren …</translation>
    </message>
    <message>
        <source>Write picture, NumPy file or JSON (Ctrl+S)</source>
        <translation>Bild, NumPy-Datei oder JSON schreiben (Strg+S)</translation>
    </message>
    <message>
        <source>Colours of the heat map</source>
        <translation>Farben des Wärmebilds</translation>
    </message>
    <message>
        <source>Both can be told apart without seeing colours</source>
        <translation>Beide sind auch ohne Farbensehen zu unterscheiden</translation>
    </message>
    <message>
        <source>Threshold of regions</source>
        <translation>Schwelle der Bereiche</translation>
    </message>
    <message>
        <source>Regions are patches above this share of the peak that hang together</source>
        <translation>Bereiche sind zusammenhängende Felder über diesem Anteil der Spitze</translation>
    </message>
    <message>
        <source>Regions</source>
        <translation>Bereiche</translation>
    </message>
    <message>
        <source>Show or hide the regions (G)</source>
        <translation>Bereiche zeigen oder verbergen (G)</translation>
    </message>
    <message>
        <source>Look into the attention</source>
        <translation>Die Aufmerksamkeit ansehen</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>Bild</translation>
    </message>
    <message>
        <source>Capture this screen</source>
        <translation>Diesen Bildschirm aufnehmen</translation>
    </message>
    <message>
        <source>Take a step of a recorded run</source>
        <translation>Einen Schritt eines aufgezeichneten Laufs nehmen</translation>
    </message>
    <message>
        <source>Look at a part of the picture</source>
        <translation>Einen Teil des Bildes betrachten</translation>
    </message>
    <message>
        <source>Export the answer…</source>
        <translation>Die Antwort exportieren …</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>Frage</translation>
    </message>
    <message>
        <source>Go to the words</source>
        <translation>Zu den Worten gehen</translation>
    </message>
    <message>
        <source>Ask the model</source>
        <translation>Das Modell fragen</translation>
    </message>
    <message>
        <source>Enter</source>
        <translation>Eingabe</translation>
    </message>
    <message>
        <source>Compare two questions</source>
        <translation>Zwei Fragen vergleichen</translation>
    </message>
    <message>
        <source>View</source>
        <translation>Ansicht</translation>
    </message>
    <message>
        <source>Walk over the patches</source>
        <translation>Über die Felder wandern</translation>
    </message>
    <message>
        <source>Ctrl+Arrows</source>
        <translation>Strg+Pfeile</translation>
    </message>
    <message>
        <source>Close this window</source>
        <translation>Dieses Fenster schließen</translation>
    </message>
    <message>
        <source>Open picture</source>
        <translation>Bild öffnen</translation>
    </message>
    <message>
        <source>Export {side}</source>
        <translation>{side} exportieren</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>Exportieren</translation>
    </message>
    <message>
        <source>There is no picture in the clipboard</source>
        <translation>In der Zwischenablage ist kein Bild</translation>
    </message>
    <message>
        <source>Copy one and paste again.</source>
        <translation>Kopieren Sie eines und fügen Sie erneut ein.</translation>
    </message>
    <message>
        <source> and </source>
        <translation> und </translation>
    </message>
    <message>
        <source>above {share} of the peak: {counts}</source>
        <translation>über {share} der Spitze: {counts}</translation>
    </message>
    <message>
        <source>{share} of the peak</source>
        <translation>{share} der Spitze</translation>
    </message>
    <message>
        <source>All patches</source>
        <translation>Alle Felder</translation>
    </message>
    <message>
        <source>Keep 75 %</source>
        <translation>75 % behalten</translation>
    </message>
    <message>
        <source>Keep 50 %</source>
        <translation>50 % behalten</translation>
    </message>
    <message>
        <source>Keep 25 %</source>
        <translation>25 % behalten</translation>
    </message>
    <message>
        <source>Keep 10 %</source>
        <translation>10 % behalten</translation>
    </message>
    <message>
        <source>Read all</source>
        <translation>Alles lesen</translation>
    </message>
    <message>
        <source>Read if unsure</source>
        <translation>Bei Zweifel lesen</translation>
    </message>
    <message>
        <source>Read near</source>
        <translation>Nahes lesen</translation>
    </message>
    <message>
        <source>Read nothing</source>
        <translation>Nichts lesen</translation>
    </message>
    <message>
        <source>What should be pointed at?</source>
        <translation>Was soll gezeigt werden?</translation>
    </message>
    <message>
        <source>Point at what?</source>
        <translation>Was zeigen?</translation>
    </message>
    <message>
        <source>Words {side}</source>
        <translation>Worte {side}</translation>
    </message>
    <message>
        <source>Ask the model for {side} (Enter)</source>
        <translation>Das Modell für {side} fragen (Eingabe)</translation>
    </message>
    <message>
        <source>Find {side}</source>
        <translation>Finden {side}</translation>
    </message>
    <message>
        <source>Keep ratio {side}</source>
        <translation>Behaltener Anteil {side}</translation>
    </message>
    <message>
        <source>Share of the patches that the language model sees; for models with a patch scorer</source>
        <translation>Anteil der Felder, die das Sprachmodell sieht; für Modelle, die Felder bewerten</translation>
    </message>
    <message>
        <source>Reading {side}</source>
        <translation>Lesen {side}</translation>
    </message>
    <message>
        <source>What is read on the screen before the answer</source>
        <translation>Was vor der Antwort auf dem Bildschirm gelesen wird</translation>
    </message>
    <message>
        <source>Screenshot {side}</source>
        <translation>Bildschirmfoto {side}</translation>
    </message>
    <message>
        <source>Answer {side}</source>
        <translation>Antwort {side}</translation>
    </message>
    <message>
        <source>Asking the model…</source>
        <translation>Das Modell wird gefragt …</translation>
    </message>
    <message>
        <source>No answer</source>
        <translation>Keine Antwort</translation>
    </message>
    <message>
        <source>Not found: likeliest {first}, needed {needed}</source>
        <translation>Nicht gefunden: höchstens {first}, nötig {needed}</translation>
    </message>
    <message>
        <source>Mass</source>
        <translation>Masse</translation>
    </message>
    <message>
        <source>Mean</source>
        <translation>Mittel</translation>
    </message>
    <message>
        <source>Found by</source>
        <translation>Herkunft</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>Text</translation>
    </message>
    <message>
        <source>How likely it is that this is what was meant, 0 to 100 %</source>
        <translation>Wie wahrscheinlich dies gemeint war, 0 bis 100 %</translation>
    </message>
    <message>
        <source>Share of the whole attention that lies on its patches</source>
        <translation>Anteil der gesamten Aufmerksamkeit, der auf seinen Feldern liegt</translation>
    </message>
    <message>
        <source>Attention of its patches on average, in shares of the whole</source>
        <translation>Aufmerksamkeit seiner Felder im Mittel, als Anteil an der gesamten</translation>
    </message>
    <message>
        <source>What proposed it: attention, a text that was read, or a drawn control</source>
        <translation>Was es vorgeschlagen hat: Aufmerksamkeit, ein gelesener Text oder ein gezeichnetes Bedienelement</translation>
    </message>
    <message>
        <source>What was read there</source>
        <translation>Was dort gelesen wurde</translation>
    </message>
    <message>
        <source>Sort</source>
        <translation>Art</translation>
    </message>
    <message>
        <source>Place</source>
        <translation>Ort</translation>
    </message>
    <message>
        <source>attention</source>
        <translation>gesehen</translation>
    </message>
    <message>
        <source>reading</source>
        <translation>gelesen</translation>
    </message>
    <message>
        <source>drawing</source>
        <translation>gezeichnet</translation>
    </message>
    <message>
        <source>icon</source>
        <translation>Symbol</translation>
    </message>
    <message>
        <source>check mark</source>
        <translation>Häkchen</translation>
    </message>
    <message>
        <source>wide button or field</source>
        <translation>breite Schaltfläche oder Feld</translation>
    </message>
    <message>
        <source>button</source>
        <translation>Schaltfläche</translation>
    </message>
    <message>
        <source>area</source>
        <translation>Fläche</translation>
    </message>
    <message>
        <source>slider</source>
        <translation>Schieberegler</translation>
    </message>
    <message>
        <source>text</source>
        <translation>Text</translation>
    </message>
    <message>
        <source>Point at the map, or move with Ctrl and the arrows, to see a patch&apos;s values.</source>
        <translation>Zeigen Sie auf die Karte oder wandern Sie mit Strg und den Pfeilen, um die Werte eines Felds zu sehen.</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>Einzelheiten</translation>
    </message>
    <message>
        <source>Candidates {side}</source>
        <translation>Kandidaten {side}</translation>
    </message>
    <message>
        <source>Elements of the screen</source>
        <translation>Elemente des Bildschirms</translation>
    </message>
    <message>
        <source>Search elements</source>
        <translation>Elemente suchen</translation>
    </message>
    <message>
        <source>Patch</source>
        <translation>Feld</translation>
    </message>
    <message>
        <source>Map</source>
        <translation>Karte</translation>
    </message>
    <message>
        <source>No answer yet.</source>
        <translation>Noch keine Antwort.</translation>
    </message>
    <message>
        <source>Everything that was read or recognised by its shape is listed here once it is asked for.</source>
        <translation>Alles Gelesene und an seiner Form Erkannte steht hier, sobald danach gefragt wird.</translation>
    </message>
    <message>
        <source>Nothing was recognised on this picture.</source>
        <translation>Auf diesem Bild wurde nichts erkannt.</translation>
    </message>
    <message numerus="yes">
        <source>%n element(s)</source>
        <translation>
            <numerusform>%n Element</numerusform>
            <numerusform>%n Elemente</numerusform>
        </translation>
    </message>
    <message>
        <source>Candidates</source>
        <translation>Kandidaten</translation>
    </message>
    <message>
        <source>Elements</source>
        <translation>Elemente</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Zeit</translation>
    </message>
    <message>
        <source>{columns} × {rows} patches, model {model}</source>
        <translation>{columns} × {rows} Felder, Modell {model}</translation>
    </message>
    <message>
        <source>Peak {peak} of all attention</source>
        <translation>Spitze {peak} aller Aufmerksamkeit</translation>
    </message>
    <message>
        <source>Entropy {bits} bits of {even} (an even map)</source>
        <translation>Entropie {bits} Bit von {even} (gleichmäßige Karte)</translation>
    </message>
    <message>
        <source>In region {number}</source>
        <translation>In Bereich {number}</translation>
    </message>
    <message>
        <source>In no region at this threshold</source>
        <translation>Bei dieser Schwelle in keinem Bereich</translation>
    </message>
    <message>
        <source>Row {row}, column {column}: pixels {left}, {top} to {right}, {bottom}</source>
        <translation>Zeile {row}, Spalte {column}: Pixel {left}, {top} bis {right}, {bottom}</translation>
    </message>
    <message>
        <source>Attention {share}, {of_peak} of the peak; place {place} of {count}</source>
        <translation>Aufmerksamkeit {share}, {of_peak} der Spitze; Rang {place} von {count}</translation>
    </message>
    <message>
        <source>Kept: nothing was left out</source>
        <translation>Behalten: nichts wurde ausgelassen</translation>
    </message>
    <message>
        <source>Kept: its instruction score is among the best {best}, or the best of its element in the UI graph</source>
        <translation>Behalten: seine Bewertung gehört zu den besten {best} oder ist die beste seines Elements im Oberflächengraphen</translation>
    </message>
    <message>
        <source>Dropped: its instruction score is not among the best {best}, nor the best of its element</source>
        <translation>Ausgelassen: seine Bewertung gehört weder zu den besten {best} noch ist sie die beste seines Elements</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>Bilder</translation>
    </message>
    <message>
        <source>Go to the instruction</source>
        <translation>Zur Anweisung gehen</translation>
    </message>
    <message>
        <source>Find the instruction on this picture</source>
        <translation>Die Anweisung auf diesem Bild finden</translation>
    </message>
    <message>
        <source>Choose a candidate</source>
        <translation>Einen Kandidaten wählen</translation>
    </message>
    <message>
        <source>1 to 9</source>
        <translation>1 bis 9</translation>
    </message>
    <message>
        <source>Move its point (Shift: by a patch)</source>
        <translation>Seinen Punkt bewegen (Umschalt: um ein Feld)</translation>
    </message>
    <message>
        <source>Arrows</source>
        <translation>Pfeile</translation>
    </message>
    <message>
        <source>Run</source>
        <comment>heading</comment>
        <translation>Lauf</translation>
    </message>
    <message>
        <source>Carry out the instruction</source>
        <translation>Die Anweisung ausführen</translation>
    </message>
    <message>
        <source>Ctrl+Enter</source>
        <translation>Strg+Eingabe</translation>
    </message>
    <message>
        <source>Stop, or refuse what is asked</source>
        <translation>Anhalten, oder ablehnen, was gefragt wird</translation>
    </message>
    <message>
        <source>Mode: {name}</source>
        <translation>Modus: {name}</translation>
    </message>
    <message>
        <source>Find a command</source>
        <translation>Einen Befehl suchen</translation>
    </message>
    <message>
        <source>Show all shortcuts</source>
        <translation>Alle Tastenkürzel zeigen</translation>
    </message>
    <message>
        <source>Reticle is working</source>
        <translation>Reticle arbeitet</translation>
    </message>
    <message>
        <source>Stop at once</source>
        <translation>Sofort anhalten</translation>
    </message>
    <message>
        <source>Ask me</source>
        <translation>Erst fragen</translation>
    </message>
    <message>
        <source>Stop counting and ask before this step</source>
        <translation>Nicht weiterzählen, sondern vor diesem Schritt fragen</translation>
    </message>
    <message>
        <source>In {seconds} s: {words}</source>
        <translation>In {seconds} s: {words}</translation>
    </message>
    <message>
        <source>Drag {source} to {destination}</source>
        <translation>{source} nach {destination} ziehen</translation>
    </message>
    <message>
        <source>secret text</source>
        <translation>geheimen Text</translation>
    </message>
    <message>
        <source>Wait {seconds} s</source>
        <translation>{seconds} s warten</translation>
    </message>
    <message>
        <source>Ask: {question}</source>
        <translation>Frage: {question}</translation>
    </message>
    <message>
        <source>Finish</source>
        <translation>Abschließen</translation>
    </message>
    <message>
        <source>Give up</source>
        <translation>Aufgeben</translation>
    </message>
    <message>
        <source>about {time} per step here</source>
        <translation>hier etwa {time} je Schritt</translation>
    </message>
    <message>
        <source>First instruction on a new screenshot: {first}. Each further one on the same: {further}. Bundled screenshot of {width} x {height} pixels; {machine}.</source>
        <translation>Erste Anweisung auf einem neuen Bildschirmfoto: {first}. Jede weitere auf demselben: {further}. Mitgeliefertes Bildschirmfoto mit {width} x {height} Pixeln; {machine}.</translation>
    </message>
    <message>
        <source>Opening the model</source>
        <translation>Modell wird geöffnet</translation>
    </message>
    <message>
        <source>New screenshot {count} of {all}</source>
        <translation>Neues Bildschirmfoto {count} von {all}</translation>
    </message>
    <message>
        <source>Further instruction {count} of {all}</source>
        <translation>Weitere Anweisung {count} von {all}</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>Fertig</translation>
    </message>
    <message>
        <source>{time} (median of {count}, {low} to {high})</source>
        <translation>{time} (Median von {count}, {low} bis {high})</translation>
    </message>
    <message>
        <source>Ended: refused</source>
        <translation>Beendet: abgelehnt</translation>
    </message>
    <message>
        <source>Ended at a limit</source>
        <translation>An einer Grenze beendet</translation>
    </message>
    <message>
        <source>Not done</source>
        <translation>Nicht erledigt</translation>
    </message>
    <message>
        <source>Recorded in {folder}</source>
        <translation>Aufgezeichnet in {folder}</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>Es beginnt …</translation>
    </message>
    <message>
        <source>Working…</source>
        <translation>In Arbeit …</translation>
    </message>
    <message>
        <source>State of the settings</source>
        <translation>Zustand der Einstellungen</translation>
    </message>
    <message>
        <source>Take changes back</source>
        <translation>Zurücknehmen</translation>
    </message>
    <message>
        <source>Show the settings as they are kept</source>
        <translation>Die Einstellungen zeigen, wie sie gespeichert sind</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>Check and keep all settings (Ctrl+S)</source>
        <translation>Alle Einstellungen prüfen und speichern (Strg+S)</translation>
    </message>
    <message>
        <source>Nothing is changed.</source>
        <translation>Nichts ist geändert.</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>Hell</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>Dunkel</translation>
    </message>
    <message>
        <source>Colours</source>
        <translation>Farben</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>Sprache</translation>
    </message>
    <message>
        <source>From the next start on.</source>
        <translation>Ab dem nächsten Start.</translation>
    </message>
    <message>
        <source>Finding</source>
        <translation>Finden</translation>
    </message>
    <message>
        <source>So many places are shown for an instruction.</source>
        <translation>So viele Stellen werden zu einer Anweisung gezeigt.</translation>
    </message>
    <message>
        <source>Screen</source>
        <translation>Bildschirm</translation>
    </message>
    <message>
        <source>There is a desktop that Reticle can see and use.</source>
        <translation>Es gibt einen Desktop, den Reticle sehen und bedienen kann.</translation>
    </message>
    <message>
        <source>Seeing</source>
        <translation>Sehen</translation>
    </message>
    <message>
        <source>A picture of the screen is taken, as before every step of a run.</source>
        <translation>Der Bildschirm wird aufgenommen, wie vor jedem Schritt eines Laufs.</translation>
    </message>
    <message>
        <source>Clicking</source>
        <translation>Klicken</translation>
    </message>
    <message>
        <source>A small test window of our own is clicked, and the pixel compared.</source>
        <translation>Ein kleines eigenes Testfenster wird angeklickt und das Pixel verglichen.</translation>
    </message>
    <message>
        <source>Typing</source>
        <translation>Tippen</translation>
    </message>
    <message>
        <source>Letters are typed there, and others pasted; your clipboard comes back afterwards.</source>
        <translation>Dort werden Buchstaben getippt und andere eingefügt; die Zwischenablage wird danach wiederhergestellt.</translation>
    </message>
    <message>
        <source>Marks</source>
        <translation>Markierungen</translation>
    </message>
    <message>
        <source>A mark is drawn on the desktop and must not be part of a picture of the screen.</source>
        <translation>Eine Markierung auf dem Desktop darf auf einer Aufnahme nicht zu sehen sein.</translation>
    </message>
    <message>
        <source>Stop key</source>
        <translation>Stopptaste</translation>
    </message>
    <message>
        <source>The key that ends a run at any moment is pressed, and the time taken.</source>
        <translation>Die Taste, die einen Lauf jederzeit beendet, wird gedrückt und die Zeit gemessen.</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>The model in use is asked for the only button of a test picture.</source>
        <translation>Das benutzte Modell wird nach der einzigen Schaltfläche eines Testbilds gefragt.</translation>
    </message>
    <message>
        <source>not checked yet</source>
        <translation>noch nicht geprüft</translation>
    </message>
    <message>
        <source>being checked</source>
        <translation>wird geprüft</translation>
    </message>
    <message>
        <source>works</source>
        <translation>funktioniert</translation>
    </message>
    <message>
        <source>works in part</source>
        <translation>funktioniert teilweise</translation>
    </message>
    <message>
        <source>does not work</source>
        <translation>funktioniert nicht</translation>
    </message>
    <message>
        <source>What to do: {remedy}</source>
        <translation>Abhilfe: {remedy}</translation>
    </message>
    <message>
        <source>Does everything work here?</source>
        <translation>Funktioniert hier alles?</translation>
    </message>
    <message>
        <source>Each part of a run is tried once, in a small window of our own; nothing of yours is touched. For a moment Reticle&apos;s windows step aside. It takes some ten seconds; leave mouse and keyboard alone meanwhile.</source>
        <translation>Jeder Teil eines Laufs wird einmal ausprobiert, in einem kleinen eigenen Fenster; an Ihren Sachen ändert sich nichts. Für einen Moment verschwinden die Fenster von Reticle. Das dauert etwa zehn Sekunden; bitte Maus und Tastatur solange nicht benutzen.</translation>
    </message>
    <message>
        <source>Check this machine</source>
        <translation>Diesen Rechner prüfen</translation>
    </message>
    <message>
        <source>Try everything once</source>
        <translation>Alles einmal ausprobieren</translation>
    </message>
    <message>
        <source>Not working: {names}. What to do stands below; then check again.</source>
        <translation>Funktioniert nicht: {names}. Abhilfe steht unten; danach erneut prüfen.</translation>
    </message>
    <message>
        <source>Reticle can work here, with the limits named below.</source>
        <translation>Reticle kann hier arbeiten, mit den unten genannten Grenzen.</translation>
    </message>
    <message>
        <source>Everything works on this machine.</source>
        <translation>Auf diesem Rechner funktioniert alles.</translation>
    </message>
    <message>
        <source>Check again</source>
        <translation>Erneut prüfen</translation>
    </message>
    <message>
        <source>The one that ships with the program</source>
        <translation>Das mitgelieferte</translation>
    </message>
    <message>
        <source>Folder of a model, or the name of one that `reticle models` keeps. From the next start on.</source>
        <translation>Ordner eines Modells oder der Name eines von `reticle models` verwahrten. Ab dem nächsten Start.</translation>
    </message>
    <message>
        <source>int8 needs the library torchao, which is not installed: pip install &apos;reticle[quant]&apos;</source>
        <translation>int8 braucht die Bibliothek torchao, die nicht installiert ist: pip install &apos;reticle[quant]&apos;</translation>
    </message>
    <message>
        <source>Fits the machine</source>
        <translation>Passend zum Rechner</translation>
    </message>
    <message>
        <source>Number type</source>
        <translation>Zahlenart</translation>
    </message>
    <message>
        <source>What models compute in, from their next opening on.</source>
        <translation>Worin Modelle rechnen, ab dem nächsten Öffnen.</translation>
    </message>
    <message>
        <source>Open again</source>
        <translation>Neu öffnen</translation>
    </message>
    <message>
        <source>Open the model in use once more, in these numbers</source>
        <translation>Das benutzte Modell noch einmal öffnen, mit dieser Zahlenart</translation>
    </message>
    <message>
        <source>For every model, from its next opening on.</source>
        <translation>Für jedes Modell, ab dem nächsten Öffnen.</translation>
    </message>
    <message>
        <source>The model in use was opened with “{numbers}”.</source>
        <translation>Das benutzte Modell wurde mit „{numbers}“ geöffnet.</translation>
    </message>
    <message>
        <source>What the model computes in, from its next opening on.</source>
        <translation>Worin das Modell rechnet, ab dem nächsten Öffnen.</translation>
    </message>
    <message>
        <source>Own head</source>
        <translation>Eigener Kopf</translation>
    </message>
    <message>
        <source>The shipped law</source>
        <translation>Die mitgelieferte Gewichtung</translation>
    </message>
    <message>
        <source>What `reticle train head` learnt from your runs, a file or its name. From the next start on.</source>
        <translation>Was `reticle train head` aus Ihren Läufen lernte, eine Datei oder ihr Name. Gilt ab dem nächsten Start.</translation>
    </message>
    <message>
        <source>Runs</source>
        <translation>Läufe</translation>
    </message>
    <message>
        <source>Ask below</source>
        <translation>Fragen unter</translation>
    </message>
    <message>
        <source>Acting alone, less likely places are asked about.</source>
        <translation>Beim selbst Handeln wird nach weniger wahrscheinlichen Stellen gefragt.</translation>
    </message>
    <message>
        <source>Acting alone, instead of the line above: act only where so few answers were measured wrong.</source>
        <translation>Statt der Zeile darüber: nur selbst handeln, wo so wenige Antworten gemessen falsch waren.</translation>
    </message>
    <message>
        <source>At most one wrong in</source>
        <translation>Höchstens eine falsche von</translation>
    </message>
    <message>
        <source>not used</source>
        <translation>nicht verwendet</translation>
    </message>
    <message>
        <source>Measured curve for the line above; written by `reticle eval --risk`.</source>
        <translation>Gemessene Kurve für die Zeile darüber; `reticle eval --risk` schreibt sie.</translation>
    </message>
    <message>
        <source>Risk curve</source>
        <translation>Risikokurve</translation>
    </message>
    <message>
        <source>The shipped one</source>
        <translation>Die mitgelieferte</translation>
    </message>
    <message>
        <source>Acting alone, the chosen place is shown for so long before it is used; 0 shows none.</source>
        <translation>Beim selbst Handeln wird die gewählte Stelle so lange gezeigt, bevor sie benutzt wird; 0 zeigt keine.</translation>
    </message>
    <message>
        <source>Countdown</source>
        <translation>Vorwarnzeit</translation>
    </message>
    <message>
        <source>Further tries</source>
        <translation>Weitere Versuche</translation>
    </message>
    <message>
        <source>Other places for a click that did nothing; each is asked about.</source>
        <translation>Andere Stellen für einen Klick ohne Wirkung; nach jeder wird gefragt.</translation>
    </message>
    <message>
        <source>Most steps</source>
        <translation>Schritte höchstens</translation>
    </message>
    <message>
        <source>A run ends after so many steps.</source>
        <translation>Nach so vielen Schritten endet ein Lauf.</translation>
    </message>
    <message>
        <source>Longest time</source>
        <translation>Längste Zeit</translation>
    </message>
    <message>
        <source>A run ends after so long.</source>
        <translation>Nach so langer Zeit endet ein Lauf.</translation>
    </message>
    <message>
        <source>So many screenshots of a run the model remembers beside the newest; 0: none.</source>
        <translation>So viele Bildschirmfotos eines Laufs merkt sich das Modell neben dem neuesten; 0: keines.</translation>
    </message>
    <message>
        <source>Screenshots remembered</source>
        <translation>Gemerkte Bildschirmfotos</translation>
    </message>
    <message>
        <source>They may take so much memory; the oldest go first.</source>
        <translation>So viel Speicher dürfen sie belegen; die ältesten gehen zuerst.</translation>
    </message>
    <message>
        <source>Memory for them</source>
        <translation>Speicher dafür</translation>
    </message>
    <message>
        <source>1 to 9, arrows and Escape answer, whatever program has the keyboard. From the next start on.</source>
        <translation>1 bis 9, Pfeile und Escape antworten, welches Programm auch die Tastatur hat. Ab dem nächsten Start.</translation>
    </message>
    <message>
        <source>Keys on the desktop</source>
        <translation>Tasten überall</translation>
    </message>
    <message>
        <source>While something is asked</source>
        <translation>Solange etwas gefragt wird</translation>
    </message>
    <message>
        <source>Never</source>
        <translation>Niemals</translation>
    </message>
    <message>
        <source>Nobody is asked about these; they are refused.</source>
        <translation>Hiernach wird niemand gefragt; es wird abgelehnt.</translation>
    </message>
    <message>
        <source>Drag</source>
        <translation>Ziehen</translation>
    </message>
    <message>
        <source>Scroll</source>
        <translation>Rollen</translation>
    </message>
    <message>
        <source>Type</source>
        <translation>Tippen</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>Tasten</translation>
    </message>
    <message>
        <source>Kinds of input</source>
        <translation>Arten von Eingabe</translation>
    </message>
    <message>
        <source>A target that is called, or reads, one of these is never used. One per line.</source>
        <translation>Ein Ziel, das so heißt oder worauf das steht, wird nie benutzt. Eines je Zeile.</translation>
    </message>
    <message>
        <source>Words</source>
        <translation>Worte</translation>
    </message>
    <message>
        <source>Delete account</source>
        <translation>Konto löschen</translation>
    </message>
    <message>
        <source>Folders</source>
        <translation>Ordner</translation>
    </message>
    <message>
        <source>Own heads</source>
        <translation>Eigene Köpfe</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message numerus="yes">
        <source>%n setting(s) changed, not saved yet.</source>
        <translation>
            <numerusform>%n Einstellung geändert, noch nicht gespeichert.</numerusform>
            <numerusform>%n Einstellungen geändert, noch nicht gespeichert.</numerusform>
        </translation>
    </message>
    <message>
        <source>Not saved: something does not hold.</source>
        <translation>Nicht gespeichert: etwas gilt nicht.</translation>
    </message>
    <message>
        <source>The settings could not be saved</source>
        <translation>Die Einstellungen konnten nicht gespeichert werden</translation>
    </message>
    <message>
        <source>Saved</source>
        <translation>Gespeichert</translation>
    </message>
    <message>
        <source>The file as it was is kept as {file}.</source>
        <translation>Die bisherige Datei ist als {file} aufgehoben.</translation>
    </message>
    <message>
        <source>Saved; some of it holds from the next start on.</source>
        <translation>Gespeichert; einiges gilt ab dem nächsten Start.</translation>
    </message>
    <message>
        <source>Saved.</source>
        <translation>Gespeichert.</translation>
    </message>
    <message numerus="yes">
        <source>%n rule(s) for applications, see `reticle rules`.</source>
        <translation>
            <numerusform>%n Regel für Programme, siehe `reticle rules`.</numerusform>
            <numerusform>%n Regeln für Programme, siehe `reticle rules`.</numerusform>
        </translation>
    </message>
    <message>
        <source>The other settings hold. Saving keeps a copy of the file as it is.</source>
        <translation>Die übrigen Einstellungen gelten. Speichern hebt die jetzige Datei als Kopie auf.</translation>
    </message>
    <message>
        <source>Places that may be meant appear here, with the probability that each is right.</source>
        <translation>Hier erscheinen Stellen, die gemeint sein können, jede mit der Wahrscheinlichkeit, dass sie stimmt.</translation>
    </message>
    <message>
        <source>Looking… A new picture is read first, which takes some seconds.</source>
        <translation>Suche läuft … Ein neues Bild wird erst gelesen, das dauert einige Sekunden.</translation>
    </message>
    <message>
        <source>The steps of a run appear here.</source>
        <translation>Hier erscheinen die Schritte eines Laufs.</translation>
    </message>
    <message>
        <source>Steps</source>
        <translation>Schritte</translation>
    </message>
    <message>
        <source>1 to {last} choose, arrows move the point (Shift: by a patch)</source>
        <translation>1 bis {last} wählen, Pfeile bewegen den Punkt (Umschalt: um ein Feld)</translation>
    </message>
    <message>
        <source>Main window</source>
        <translation>Hauptfenster</translation>
    </message>
    <message>
        <source>Quit Reticle</source>
        <translation>Reticle beenden</translation>
    </message>
    <message>
        <source>From the main window</source>
        <translation>Aus dem Hauptfenster</translation>
    </message>
    <message>
        <source>A run is in progress. Stop it first, or wait for its end.</source>
        <translation>Ein Lauf ist im Gange. Halten Sie ihn an, oder warten Sie sein Ende ab.</translation>
    </message>
    <message>
        <source>An answer is being computed. Wait for it, or stop it.</source>
        <translation>Eine Antwort wird berechnet. Warten Sie sie ab, oder brechen Sie ab.</translation>
    </message>
    <message>
        <source>a run is in progress; stop it first, or wait for its end</source>
        <translation>ein Lauf ist im Gange; halten Sie ihn an oder warten Sie sein Ende ab</translation>
    </message>
    <message>
        <source>No recorded runs yet. Runs started in the main window or with `reticle run` appear here.</source>
        <translation>Noch keine aufgezeichneten Läufe. Hier erscheinen Läufe aus dem Hauptfenster und von `reticle run`.</translation>
    </message>
    <message>
        <source>Reading the folder of runs…</source>
        <translation>Der Ordner der Läufe wird gelesen …</translation>
    </message>
    <message>
        <source>No run has all of these words.</source>
        <translation>Kein Lauf hat alle diese Worte.</translation>
    </message>
    <message>
        <source>Search task, words, status</source>
        <translation>Aufgabe, Worte und Ausgang durchsuchen</translation>
    </message>
    <message>
        <source>Search runs</source>
        <translation>Läufe suchen</translation>
    </message>
    <message>
        <source>Open a run elsewhere</source>
        <translation>Einen Lauf anderswo öffnen</translation>
    </message>
    <message>
        <source>Open a run in another folder (Ctrl+O)</source>
        <translation>Einen Lauf in einem anderen Ordner öffnen (Strg+O)</translation>
    </message>
    <message>
        <source>Reading the folder of models…</source>
        <translation>Ordner der Modelle wird gelesen …</translation>
    </message>
    <message>
        <source>Choose a model on the left.</source>
        <translation>Wählen Sie links ein Modell.</translation>
    </message>
    <message>
        <source>On this machine</source>
        <translation>Auf diesem Rechner</translation>
    </message>
    <message>
        <source>Published models</source>
        <translation>Veröffentlichte Modelle</translation>
    </message>
    <message>
        <source>owner/name on the hub</source>
        <translation>Besitzer/Name im Hub</translation>
    </message>
    <message>
        <source>Repository to look up</source>
        <translation>Gesuchtes Repository</translation>
    </message>
    <message>
        <source>Look up</source>
        <translation>Suchen</translation>
    </message>
    <message>
        <source>Ask the hub about this repository (Enter)</source>
        <translation>Im Hub nach diesem Repository fragen (Eingabe)</translation>
    </message>
    <message>
        <source>Import a folder…</source>
        <translation>Ordner importieren …</translation>
    </message>
    <message>
        <source>Take a model from a folder of this machine (Ctrl+O)</source>
        <translation>Ein Modell aus einem Ordner dieses Rechners übernehmen (Strg+O)</translation>
    </message>
    <message>
        <source>Read the folder again</source>
        <translation>Den Ordner erneut lesen</translation>
    </message>
    <message>
        <source>Read the folder again (F5)</source>
        <translation>Den Ordner erneut lesen (F5)</translation>
    </message>
    <message>
        <source>HF_HUB_OFFLINE is set, so nothing is asked over the network.</source>
        <translation>HF_HUB_OFFLINE ist gesetzt, daher wird das Netz nicht benutzt.</translation>
    </message>
    <message>
        <source>Kept in {folder}</source>
        <translation>Gespeichert in {folder}</translation>
    </message>
    <message>
        <source>Go to the repository</source>
        <translation>Zum Repository gehen</translation>
    </message>
    <message>
        <source>Open the model again</source>
        <translation>Modell erneut öffnen</translation>
    </message>
    <message>
        <source>Download this model…</source>
        <translation>Dieses Modell herunterladen …</translation>
    </message>
    <message>
        <source>Pause the download</source>
        <translation>Herunterladen unterbrechen</translation>
    </message>
    <message>
        <source>Remove this model…</source>
        <translation>Dieses Modell entfernen …</translation>
    </message>
    <message>
        <source>Measure the speed on this machine</source>
        <translation>Geschwindigkeit auf diesem Rechner messen</translation>
    </message>
    <message>
        <source>Folder of a model with safetensors</source>
        <translation>Ordner eines Modells mit Safetensors</translation>
    </message>
    <message>
        <source>Damaged</source>
        <translation>Beschädigt</translation>
    </message>
    <message>
        <source>Cannot be used</source>
        <translation>Nicht benutzbar</translation>
    </message>
    <message>
        <source>Download cut short, {size} are here</source>
        <translation>Unvollständig, {size} sind da</translation>
    </message>
    <message>
        <source>not for commercial use</source>
        <translation>nicht für gewerbliche Nutzung</translation>
    </message>
    <message>
        <source>licence unclear</source>
        <translation>Lizenz unklar</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>Wiederholen</translation>
    </message>
    <message numerus="yes">
        <source>%n step(s)</source>
        <translation>
            <numerusform>%n Schritt</numerusform>
            <numerusform>%n Schritte</numerusform>
        </translation>
    </message>
    <message>
        <source>Choose a run on the left.</source>
        <translation>Wählen Sie links einen Lauf.</translation>
    </message>
    <message>
        <source>What is run in the main window can be looked through here, step by step.</source>
        <translation>Was im Hauptfenster ausgeführt wird, lässt sich hier Schritt für Schritt durchsehen.</translation>
    </message>
    <message>
        <source>Format</source>
        <translation>Format</translation>
    </message>
    <message>
        <source>Write the run in the chosen format (Ctrl+S)</source>
        <translation>Den Lauf im gewählten Format schreiben (Strg+S)</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Delete this run; it can be brought back until Reticle ends</source>
        <translation>Diesen Lauf löschen; bis Reticle endet, lässt er sich zurückholen</translation>
    </message>
    <message>
        <source>Before the step</source>
        <translation>Vor dem Schritt</translation>
    </message>
    <message>
        <source>After the step</source>
        <translation>Nach dem Schritt</translation>
    </message>
    <message>
        <source>After</source>
        <translation>Nachher</translation>
    </message>
    <message>
        <source>Show what happened</source>
        <translation>Zeigen, was geschah</translation>
    </message>
    <message>
        <source>Show the screen after the step again</source>
        <translation>Wieder den Bildschirm nach dem Schritt zeigen</translation>
    </message>
    <message>
        <source>Earlier step</source>
        <translation>Früherer Schritt</translation>
    </message>
    <message>
        <source>Later step</source>
        <translation>Späterer Schritt</translation>
    </message>
    <message>
        <source>Right</source>
        <comment>verdict</comment>
        <translation>Richtig</translation>
    </message>
    <message>
        <source>It went where it should (Y)</source>
        <translation>Es traf die richtige Stelle (Y)</translation>
    </message>
    <message>
        <source>Wrong</source>
        <comment>verdict</comment>
        <translation>Falsch</translation>
    </message>
    <message>
        <source>It did not (N)</source>
        <translation>Es traf sie nicht (N)</translation>
    </message>
    <message>
        <source>Correct region</source>
        <translation>Bereich berichtigen</translation>
    </message>
    <message>
        <source>Drag a box around what was meant (R); once more takes it back</source>
        <translation>Einen Rahmen um das Gemeinte ziehen (R); noch einmal nimmt ihn zurück</translation>
    </message>
    <message>
        <source>What if it had been called…</source>
        <translation>Was, wenn es geheißen hätte …</translation>
    </message>
    <message>
        <source>Other words</source>
        <translation>Andere Worte</translation>
    </message>
    <message>
        <source>Ask again</source>
        <translation>Neu fragen</translation>
    </message>
    <message>
        <source>Ground these words on this step&apos;s picture (Enter)</source>
        <translation>Diese Worte auf dem Bild des Schritts suchen (Eingabe)</translation>
    </message>
    <message>
        <source>Inspect</source>
        <translation>Ansehen</translation>
    </message>
    <message>
        <source>Open this step in the inspector (I)</source>
        <translation>Diesen Schritt im Inspektor öffnen (I)</translation>
    </message>
    <message>
        <source>With other words: {found}</source>
        <translation>Mit anderen Worten: {found}</translation>
    </message>
    <message>
        <source>Take correction back</source>
        <translation>Zurücknehmen</translation>
    </message>
    <message>
        <source>Before</source>
        <translation>Vorher</translation>
    </message>
    <message>
        <source>Export this run…</source>
        <translation>Diesen Lauf exportieren …</translation>
    </message>
    <message>
        <source>Delete this run</source>
        <translation>Diesen Lauf löschen</translation>
    </message>
    <message>
        <source>Step</source>
        <translation>Schritt</translation>
    </message>
    <message>
        <source>Mark the step right</source>
        <translation>Den Schritt als richtig beurteilen</translation>
    </message>
    <message>
        <source>Mark the step wrong</source>
        <translation>Den Schritt als falsch beurteilen</translation>
    </message>
    <message>
        <source>Correct the region, or take that back</source>
        <translation>Den Bereich berichtigen oder das zurücknehmen</translation>
    </message>
    <message>
        <source>Open this step in the inspector</source>
        <translation>Diesen Schritt im Inspektor öffnen</translation>
    </message>
    <message>
        <source>Go to other words</source>
        <translation>Zu anderen Worten gehen</translation>
    </message>
    <message>
        <source>Ask again with these words</source>
        <translation>Mit diesen Worten neu fragen</translation>
    </message>
    <message>
        <source>No steps</source>
        <translation>Keine Schritte</translation>
    </message>
    <message>
        <source>{number} of {count}: {title}</source>
        <translation>{number} von {count}: {title}</translation>
    </message>
    <message>
        <source>{status}, {span} from {start} s</source>
        <translation>{status}, {span} ab {start} s</translation>
    </message>
    <message>
        <source>Folder of a recorded run</source>
        <translation>Ordner eines aufgezeichneten Laufs</translation>
    </message>
    <message>
        <source>New or empty folder for the export</source>
        <translation>Neuer oder leerer Ordner für den Export</translation>
    </message>
    <message>
        <source>Export run</source>
        <translation>Lauf exportieren</translation>
    </message>
    <message>
        <source>“{task}” was deleted</source>
        <translation>„{task}“ ist gelöscht</translation>
    </message>
    <message>
        <source>{folder} can be brought back until Reticle ends.</source>
        <translation>{folder} lässt sich zurückholen, bis Reticle endet.</translation>
    </message>
    <message>
        <source>{size} at scale {scale}</source>
        <translation>{size} bei Skalierung {scale}</translation>
    </message>
    <message>
        <source>target at</source>
        <translation>Ziel bei</translation>
    </message>
    <message>
        <source>seen at</source>
        <translation>gesehen bei</translation>
    </message>
    <message>
        <source>clicked</source>
        <translation>geklickt</translation>
    </message>
    <message>
        <source>arrived</source>
        <translation>Ankunft</translation>
    </message>
    <message>
        <source>off</source>
        <translation>daneben</translation>
    </message>
    <message>
        <source>Monitor {name}, {size}: {words}</source>
        <translation>Bildschirm {name}, {size}: {words}</translation>
    </message>
    <message>
        <source>{lost} of {all} clicks did not arrive</source>
        <translation>{lost} von {all} Klicks kamen nicht an</translation>
    </message>
    <message>
        <source>clicks arrive up to {count} pixels beside their targets</source>
        <translation>Klicks landen bis zu {count} Pixel neben ihren Zielen</translation>
    </message>
    <message>
        <source>clicks arrive, but settings say scale {said} and windows are drawn at {drawn}</source>
        <translation>Klicks kommen an, aber eingestellt ist die Skalierung {said}, gezeichnet wird mit {drawn}</translation>
    </message>
    <message>
        <source>all {count} clicks arrived on their exact pixels</source>
        <translation>alle {count} Klicks trafen genau ihr Pixel</translation>
    </message>
    <message>
        <source>all {count} clicks arrived on their pixels or the next</source>
        <translation>alle {count} Klicks trafen ihr Pixel oder das daneben</translation>
    </message>
    <message>
        <source>Set the same scale everywhere (QT_SCALE_FACTOR, Xft.dpi in the X resources), then measure again.</source>
        <translation>Stellen Sie überall dieselbe Skalierung ein (QT_SCALE_FACTOR, Xft.dpi in den X-Ressourcen), und messen Sie erneut.</translation>
    </message>
    <message>
        <source>Something took the clicks before the target: close programs that grab the pointer, measure again.</source>
        <translation>Etwas hat die Klicks vor dem Ziel abgefangen: Schließen Sie Programme, die den Zeiger an sich ziehen, und messen Sie erneut.</translation>
    </message>
    <message>
        <source>Look for tools that move or scale the pointer or the picture (xrandr --scale), then measure again.</source>
        <translation>Suchen Sie nach Werkzeugen, die Zeiger oder Bild verschieben oder skalieren (xrandr --scale), und messen Sie erneut.</translation>
    </message>
    <message>
        <source>Pointer calibration of {when}</source>
        <translation>Zeigerkalibrierung vom {when}</translation>
    </message>
    <message>
        <source>Target {count} of {all}</source>
        <translation>Ziel {count} von {all}</translation>
    </message>
    <message>
        <source>To stop, move the mouse or press {keys}.</source>
        <translation>Zum Anhalten die Maus bewegen oder {keys} drücken.</translation>
    </message>
    <message>
        <source>nowhere</source>
        <translation>nirgends</translation>
    </message>
    <message>
        <source>Memory per type of number</source>
        <translation>Speicher je Zahlentyp</translation>
    </message>
    <message>
        <source>fits</source>
        <translation>passt</translation>
    </message>
    <message>
        <source>too large</source>
        <translation>zu groß</translation>
    </message>
    <message>
        <source>In use, {speed}</source>
        <translation>In Benutzung, {speed}</translation>
    </message>
    <message>
        <source>In use</source>
        <translation>In Benutzung</translation>
    </message>
    <message>
        <source>Opening it; when that fails, the former one comes back</source>
        <translation>Wird geöffnet; misslingt das, kommt das vorige zurück</translation>
    </message>
    <message>
        <source>Asking about {name}…</source>
        <translation>Anfrage zu {name} …</translation>
    </message>
    <message>
        <source>to be copied from {folder}</source>
        <translation>wird aus {folder} kopiert</translation>
    </message>
    <message>
        <source>Looking through {folder}…</source>
        <translation>{folder} wird durchgesehen …</translation>
    </message>
    <message>
        <source>Reading every byte…</source>
        <translation>Jedes Byte wird gelesen …</translation>
    </message>
    <message>
        <source>Every file is as announced.</source>
        <translation>Jede Datei ist wie angekündigt.</translation>
    </message>
    <message>
        <source>No checksum to compare with was at hand for {count} of its files; their own are recorded.</source>
        <translation>Für {count} seiner Dateien gab es keine Prüfsumme zum Vergleich; ihre eigenen sind festgehalten.</translation>
    </message>
    <message>
        <source>{name} is on this machine</source>
        <translation>{name} ist auf diesem Rechner</translation>
    </message>
    <message numerus="yes">
        <source>{name}: %n file(s) not as recorded</source>
        <translation>
            <numerusform>{name}: %n Datei nicht wie festgehalten</numerusform>
            <numerusform>{name}: %n Dateien nicht wie festgehalten</numerusform>
        </translation>
    </message>
    <message>
        <source>Remove the model and get it again.</source>
        <translation>Entfernen Sie das Modell, und holen Sie es erneut.</translation>
    </message>
    <message>
        <source>{name} is whole</source>
        <translation>{name} ist vollständig</translation>
    </message>
    <message>
        <source>Every byte is as recorded.</source>
        <translation>Jedes Byte ist wie festgehalten.</translation>
    </message>
    <message>
        <source>{name} was deleted</source>
        <translation>{name} wurde gelöscht</translation>
    </message>
    <message>
        <source>Not measured yet. The model in use answers a few instructions on a bundled screenshot; that takes a few seconds for the model that ships and minutes for large ones. It can be cancelled at any time.</source>
        <translation>Noch nicht gemessen. Das benutzte Modell beantwortet einige Anweisungen auf einem mitgelieferten Bildschirmfoto; das dauert beim mitgelieferten Modell wenige Sekunden, bei großen Minuten. Es lässt sich jederzeit abbrechen.</translation>
    </message>
    <message>
        <source>Only the model in use can be measured.</source>
        <translation>Nur das benutzte Modell kann gemessen werden.</translation>
    </message>
    <message>
        <source>Told from the files themselves once they are looked at; nothing large is fetched for that.</source>
        <translation>Ergibt sich aus den Dateien selbst, sobald sie angesehen werden; dafür wird nichts Großes geholt.</translation>
    </message>
    <message>
        <source>About the model</source>
        <translation>Über das Modell</translation>
    </message>
    <message>
        <source>Use this model</source>
        <translation>Dieses Modell benutzen</translation>
    </message>
    <message>
        <source>Open it in place of the model in use</source>
        <translation>Anstelle des benutzten Modells öffnen</translation>
    </message>
    <message>
        <source>Download…</source>
        <translation>Herunterladen …</translation>
    </message>
    <message>
        <source>Ask the hub for size, licence and memory; nothing large is fetched yet</source>
        <translation>Den Hub nach Größe, Lizenz und Speicher fragen; noch wird nichts Großes geholt</translation>
    </message>
    <message>
        <source>Check files</source>
        <translation>Dateien prüfen</translation>
    </message>
    <message>
        <source>Read every byte again and compare it with what was recorded</source>
        <translation>Jedes Byte erneut lesen und mit dem Festgehaltenen vergleichen</translation>
    </message>
    <message>
        <source>Remove…</source>
        <translation>Entfernen …</translation>
    </message>
    <message>
        <source>Delete it from this machine (asks once more)</source>
        <translation>Von diesem Rechner löschen (fragt noch einmal nach)</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>Unterbrechen</translation>
    </message>
    <message>
        <source>Stop fetching; what came is kept</source>
        <translation>Nicht weiter herunterladen; was da ist, bleibt</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>Fortsetzen</translation>
    </message>
    <message>
        <source>Go on where it stopped</source>
        <translation>Dort fortsetzen, wo es aufgehört hat</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Stop this</source>
        <translation>Dies abbrechen</translation>
    </message>
    <message>
        <source>I have read these licences and keep to them</source>
        <translation>Ich habe diese Lizenzen gelesen und halte mich daran</translation>
    </message>
    <message>
        <source>Download</source>
        <translation>Herunterladen</translation>
    </message>
    <message>
        <source>Fetch the files, compare every checksum, and keep the model</source>
        <translation>Dateien holen, jede Prüfsumme vergleichen und das Modell behalten</translation>
    </message>
    <message>
        <source>Not now</source>
        <translation>Jetzt nicht</translation>
    </message>
    <message>
        <source>Fetch nothing</source>
        <translation>Nichts holen</translation>
    </message>
    <message>
        <source>Delete for good</source>
        <translation>Endgültig löschen</translation>
    </message>
    <message>
        <source>Delete the files of this model</source>
        <translation>Die Dateien dieses Modells löschen</translation>
    </message>
    <message>
        <source>Keep it</source>
        <translation>Behalten</translation>
    </message>
    <message>
        <source>Delete nothing</source>
        <translation>Nichts löschen</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>Messen</translation>
    </message>
    <message>
        <source>Ask the model in use on a bundled screenshot and take the time</source>
        <translation>Das benutzte Modell auf einem mitgelieferten Bildschirmfoto fragen und die Zeit messen</translation>
    </message>
    <message>
        <source>Stop measuring; nothing is kept</source>
        <translation>Nicht weiter messen; nichts wird behalten</translation>
    </message>
    <message>
        <source>Progress of the measurement</source>
        <translation>Fortschritt der Messung</translation>
    </message>
    <message>
        <source>Licence</source>
        <translation>Lizenz</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>Speicher</translation>
    </message>
    <message>
        <source>Speed on this machine</source>
        <translation>Geschwindigkeit auf diesem Rechner</translation>
    </message>
    <message>
        <source>Not looked at yet</source>
        <translation>Noch nicht angesehen</translation>
    </message>
    <message>
        <source>Apache-2.0, like the program itself</source>
        <translation>Apache-2.0, wie das Programm selbst</translation>
    </message>
    <message>
        <source>Repository: {name}</source>
        <translation>Repository: {name}</translation>
    </message>
    <message>
        <source>Commit: {name}</source>
        <translation>Commit: {name}</translation>
    </message>
    <message>
        <source>Folder: {name}</source>
        <translation>Ordner: {name}</translation>
    </message>
    <message>
        <source>On the disk: {size}</source>
        <translation>Auf der Platte: {size}</translation>
    </message>
    <message>
        <source>Added: {when} UTC</source>
        <translation>Hinzugefügt: {when} UTC</translation>
    </message>
    <message>
        <source>Nothing of it is on this machine.</source>
        <translation>Davon ist nichts auf diesem Rechner.</translation>
    </message>
    <message>
        <source>Go on…</source>
        <translation>Fortsetzen …</translation>
    </message>
    <message>
        <source>The model in use cannot be removed; use another one first</source>
        <translation>Das benutzte Modell kann nicht entfernt werden; benutzen Sie erst ein anderes</translation>
    </message>
    <message>
        <source>what was fetched of it</source>
        <translation>was davon geholt wurde</translation>
    </message>
    <message>
        <source>all of its files</source>
        <translation>alle seine Dateien</translation>
    </message>
    <message>
        <source>Delete {name} from this machine for good: {what}?</source>
        <translation>{name} endgültig von diesem Rechner löschen: {what}?</translation>
    </message>
    <message>
        <source>Copy it</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>{done} of {all}</source>
        <translation>{done} von {all}</translation>
    </message>
    <message>
        <source>Copy {size}?</source>
        <translation>{size} kopieren?</translation>
    </message>
    <message>
        <source>Download {size}?</source>
        <translation>{size} herunterladen?</translation>
    </message>
    <message>
        <source>Its licences allow commercial use. Every file is compared with its published checksum.</source>
        <translation>Seine Lizenzen erlauben gewerbliche Nutzung. Jede Datei wird mit ihrer veröffentlichten Prüfsumme verglichen.</translation>
    </message>
    <message>
        <source>NOT for commercial use: the licences below forbid it, whatever the model&apos;s own card says.</source>
        <translation>NICHT für gewerbliche Nutzung: Die Lizenzen unten verbieten sie, was auch immer die Modellkarte sagt.</translation>
    </message>
    <message>
        <source>Whether commercial use is allowed is not known. Read the licences on the model&apos;s page first.</source>
        <translation>Ob gewerbliche Nutzung erlaubt ist, ist nicht bekannt. Lesen Sie zuerst die Lizenzen auf der Seite des Modells.</translation>
    </message>
    <message>
        <source>This machine has {size}.</source>
        <translation>Dieser Rechner hat {size}.</translation>
    </message>
    <message>
        <source>Weights and the cache of a full screenshot ({count} tokens). What fits the machine is float32 on a processor and bfloat16 on a GPU; int4 is told for comparison.</source>
        <translation>Gewichte und Cache eines vollen Bildschirmfotos ({count} Token). Passend zum Rechner ist float32 auf einem Prozessor und bfloat16 auf einer GPU; int4 steht zum Vergleich da.</translation>
    </message>
    <message>
        <source>Measured on {when}</source>
        <translation>Gemessen am {when}</translation>
    </message>
    <message>
        <source>Measure again</source>
        <translation>Erneut messen</translation>
    </message>
    <message>
        <source>Reticle&apos;s own model</source>
        <translation>Reticles eigenes Modell</translation>
    </message>
    <message>
        <source>verifier</source>
        <translation>Prüfmodell</translation>
    </message>
    <message>
        <source>no pointer</source>
        <translation>ohne Zeiger</translation>
    </message>
    <message>
        <source>ships with the program; small, and fast on a processor</source>
        <translation>wird mitgeliefert; klein, und schnell auf einem Prozessor</translation>
    </message>
    <message>
        <source>named in the settings</source>
        <translation>in den Einstellungen genannt</translation>
    </message>
    <message>
        <source>warm-up stage only</source>
        <translation>nur Aufwärmphase</translation>
    </message>
    <message>
        <source>judges places, does not point</source>
        <translation>beurteilt Stellen, zeigt nicht</translation>
    </message>
    <message>
        <source>trained on less data</source>
        <translation>mit weniger Daten trainiert</translation>
    </message>
    <message>
        <source>soft labels</source>
        <translation>weiche Zielwerte</translation>
    </message>
    <message>
        <source>{count} billion</source>
        <translation>{count} Milliarden</translation>
    </message>
    <message>
        <source>{count} million</source>
        <translation>{count} Millionen</translation>
    </message>
    <message>
        <source>{count} parameters</source>
        <translation>{count} Parameter</translation>
    </message>
    <message>
        <source>Licence: {name}</source>
        <translation>Lizenz: {name}</translation>
    </message>
    <message>
        <source>Made from {base}, whose licence is {licence}</source>
        <translation>Entstanden aus {base} mit der Lizenz {licence}</translation>
    </message>
    <message>
        <source>Made from: unknown</source>
        <translation>Entstanden aus: unbekannt</translation>
    </message>
    <message>
        <source>NOT for commercial use: the terms above forbid it, whatever the model&apos;s own card says</source>
        <translation>NICHT für gewerbliche Nutzung: Die Bedingungen oben verbieten sie, was auch immer die Modellkarte sagt</translation>
    </message>
    <message>
        <source>Whether commercial use is allowed is unknown: read the model&apos;s page and licence</source>
        <translation>Ob gewerbliche Nutzung erlaubt ist, ist unbekannt: Lesen Sie Seite und Lizenz des Modells</translation>
    </message>
    <message>
        <source>See the screen, to find what you name</source>
        <translation>Den Bildschirm sehen, um zu finden, was Sie nennen</translation>
    </message>
    <message>
        <source>Move the pointer and press keys, to do what you approved</source>
        <translation>Zeiger bewegen und Tasten drücken, um zu tun, was Sie erlaubt haben</translation>
    </message>
    <message>
        <source>Hear the stop key, to end a run whatever has the keyboard</source>
        <translation>Die Stopptaste hören, um einen Lauf aus jedem Programm heraus zu beenden</translation>
    </message>
    <message>
        <source>not known yet: check this machine first</source>
        <translation>noch nicht bekannt: prüfen Sie zuerst diesen Rechner</translation>
    </message>
    <message>
        <source>What Reticle may do</source>
        <translation>Was Reticle darf</translation>
    </message>
    <message>
        <source>Reticle needs no account and no key, and sends nothing anywhere. What the system must allow is shown as the check found it; what you allow is yours to choose, here and later in the main window.</source>
        <translation>Reticle braucht kein Konto und keinen Schlüssel und sendet nichts irgendwohin. Was das System erlauben muss, wird so gezeigt, wie die Prüfung es vorfand; was Sie erlauben, bestimmen Sie, hier und später im Hauptfenster.</translation>
    </message>
    <message>
        <source>The system allows</source>
        <translation>Das System erlaubt</translation>
    </message>
    <message>
        <source>In a run</source>
        <translation>In einem Lauf</translation>
    </message>
    <message>
        <source>Applications</source>
        <translation>Programme</translation>
    </message>
    <message>
        <source>Terminals and password managers are left alone unless a rule of yours lets Reticle in; `reticle rules` shows and changes the rules. Deleting, sending and paying are asked about in every mode.</source>
        <translation>Terminals und Passwortmanager bleiben unberührt, solange keine Ihrer Regeln Reticle hineinlässt; `reticle rules` zeigt und ändert die Regeln. Vor Löschen, Senden und Bezahlen wird in jedem Modus gefragt.</translation>
    </message>
    <message>
        <source>What is kept, and where</source>
        <translation>Was wo gespeichert wird</translation>
    </message>
    <message>
        <source>Runs are recorded in {traces}, pictures of the screen among them; texts marked as secret are not written. Models lie in {models}. Nothing is fetched from the network unless you ask for a model.</source>
        <translation>Läufe werden in {traces} aufgezeichnet, auch Aufnahmen des Bildschirms; als geheim markierte Texte werden nicht geschrieben. Modelle liegen in {models}. Aus dem Netz wird nichts geholt, außer Sie verlangen ein Modell.</translation>
    </message>
    <message>
        <source>allowed</source>
        <translation>erlaubt</translation>
    </message>
    <message>
        <source>Not measured on this machine yet.</source>
        <translation>Auf diesem Rechner noch nicht gemessen.</translation>
    </message>
    <message>
        <source>Monitors have changed since; measure again.</source>
        <translation>Die Bildschirme haben sich seither geändert; messen Sie erneut.</translation>
    </message>
    <message>
        <source>Do clicks arrive where they should?</source>
        <translation>Kommen Klicks an, wo sie sollen?</translation>
    </message>
    <message>
        <source>Targets appear on every monitor, one after another. Reticle looks for each on a picture of the screen and clicks it with the same hand as in a run; the target says where the click arrived. Leave the mouse alone meanwhile: moving it, or the stop key, ends the measurement.</source>
        <translation>Auf jedem Bildschirm erscheinen nacheinander Ziele. Reticle sucht jedes auf einer Aufnahme des Bildschirms und klickt es so an wie in einem Lauf; das Ziel meldet, wo der Klick ankam. Bitte die Maus solange nicht benutzen: Bewegen oder die Stopptaste beendet die Messung.</translation>
    </message>
    <message>
        <source>Show the targets and click them; takes a few seconds per monitor</source>
        <translation>Die Ziele zeigen und anklicken; dauert je Bildschirm wenige Sekunden</translation>
    </message>
    <message>
        <source>End the measurement</source>
        <translation>Die Messung beenden</translation>
    </message>
    <message>
        <source>Save report…</source>
        <translation>Bericht speichern …</translation>
    </message>
    <message>
        <source>Write the measurement as a text file</source>
        <translation>Die Messung als Textdatei schreiben</translation>
    </message>
    <message>
        <source>Getting ready…</source>
        <translation>Wird vorbereitet …</translation>
    </message>
    <message>
        <source>Clicks arrive where they should.</source>
        <translation>Klicks kommen an, wo sie sollen.</translation>
    </message>
    <message>
        <source>Clicks do not arrive where they should; do not run tasks before this is mended.</source>
        <translation>Klicks kommen nicht an, wo sie sollen; führen Sie nichts aus, bevor das behoben ist.</translation>
    </message>
    <message>
        <source>Save report</source>
        <translation>Bericht speichern</translation>
    </message>
    <message>
        <source>Text (*.txt)</source>
        <translation>Text (*.txt)</translation>
    </message>
    <message>
        <source>Reticle calibration</source>
        <translation>Reticle-Kalibrierung</translation>
    </message>
    <message>
        <source>Target of the calibration</source>
        <translation>Ziel der Kalibrierung</translation>
    </message>
    <message>
        <source>1  Say what you mean</source>
        <translation>1  Sagen, was gemeint ist</translation>
    </message>
    <message>
        <source>Plain words are enough: a name that stands there, or what something is for. Press one of these, or type your own.</source>
        <translation>Einfache Worte genügen: ein Name, der dort steht, oder wozu etwas dient. Drücken Sie eines davon, oder tippen Sie eigene. Das Beispielbild ist englisch.</translation>
    </message>
    <message>
        <source>2  Look, then choose</source>
        <translation>2  Ansehen, dann wählen</translation>
    </message>
    <message>
        <source>Marks show where it may be, with how likely each is. Choose another one: click its mark, or press 2.</source>
        <translation>Markierungen zeigen, wo es sein kann und wie wahrscheinlich. Wählen Sie eine andere: klicken Sie sie an, oder drücken Sie 2.</translation>
    </message>
    <message>
        <source>3  Ask for what is not there</source>
        <translation>3  Nach Fehlendem fragen</translation>
    </message>
    <message>
        <source>Reticle says so instead of guessing. Nothing is clicked below a threshold.</source>
        <translation>Reticle sagt das, statt zu raten. Unter einer Schwelle wird nichts geklickt.</translation>
    </message>
    <message>
        <source>That was all</source>
        <translation>Das war alles</translation>
    </message>
    <message>
        <source>On your own screen: Capture, say what you mean, Find. Run carries it out; before each step it asks, as chosen under Permissions. Esc, the stop key or the pointer in a screen corner ends a run at any moment.</source>
        <translation>Auf Ihrem Bildschirm: aufnehmen, sagen, was gemeint ist, „Finden“. „Ausführen“ tut es; vor jedem Schritt wird gefragt, wie unter „Berechtigungen“ gewählt. Esc, die Stopptaste oder der Zeiger in einer Bildschirmecke beendet einen Lauf jederzeit.</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>Wird gesucht …</translation>
    </message>
    <message>
        <source>The model is still opening; the answer comes right after.</source>
        <translation>Das Modell wird noch geöffnet; die Antwort kommt gleich danach.</translation>
    </message>
    <message>
        <source>Ask for this on the picture</source>
        <translation>Auf dem Bild danach fragen</translation>
    </message>
    <message>
        <source>your own words</source>
        <translation>eigene Worte</translation>
    </message>
    <message>
        <source>Instruction for the picture</source>
        <translation>Anweisung zum Bild</translation>
    </message>
    <message>
        <source>Show where it is on the picture (Enter)</source>
        <translation>Zeigen, wo es auf dem Bild ist (Eingabe)</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>Weiter</translation>
    </message>
    <message>
        <source>Go on with the tour</source>
        <translation>Den Rundgang fortsetzen</translation>
    </message>
    <message>
        <source>Once more</source>
        <translation>Noch einmal</translation>
    </message>
    <message>
        <source>Begin the tour again</source>
        <translation>Den Rundgang neu beginnen</translation>
    </message>
    <message>
        <source>Close the tour</source>
        <translation>Rundgang schließen</translation>
    </message>
    <message>
        <source>Close the first steps; Shift+F1 brings them back</source>
        <translation>Erste Schritte schließen; Umschalt+F1 holt sie zurück</translation>
    </message>
    <message>
        <source>Found, and {share} sure of it.</source>
        <translation>Gefunden, zu {share} sicher.</translation>
    </message>
    <message>
        <source>Not found here: the likeliest place has {share}, {needed} is needed.</source>
        <translation>Hier nicht gefunden: Die wahrscheinlichste Stelle hat {share}, nötig sind {needed}.</translation>
    </message>
    <message>
        <source>Ask for {words}</source>
        <translation>Nach {words} fragen</translation>
    </message>
    <message>
        <source>Skip this step</source>
        <translation>Schritt überspringen</translation>
    </message>
    <message>
        <source>Chosen: number {number}, {share} likely. In a run, that one would be used.</source>
        <translation>Gewählt: Nummer {number}, zu {share} wahrscheinlich. In einem Lauf würde diese benutzt.</translation>
    </message>
    <message>
        <source>{name} is in use</source>
        <translation>{name} wird benutzt</translation>
    </message>
    <message>
        <source>It stays so at the next start.</source>
        <translation>Das bleibt so beim nächsten Start.</translation>
    </message>
    <message>
        <source>{name} cannot be used; the former model is opened again</source>
        <translation>{name} kann nicht benutzt werden; das vorige Modell wird wieder geöffnet</translation>
    </message>
    <message>
        <source>It cannot be opened in these numbers; it is opened as before</source>
        <translation>Mit dieser Zahlenart lässt es sich nicht öffnen; es wird wie zuvor geöffnet</translation>
    </message>
    <message>
        <source>Neither that model nor the former one could be opened</source>
        <translation>Weder dieses noch das vorige Modell ließ sich öffnen</translation>
    </message>
    <message>
        <source>Starting</source>
        <translation>Beginnt</translation>
    </message>
    <message>
        <source>The speed could not be measured</source>
        <translation>Die Geschwindigkeit konnte nicht gemessen werden</translation>
    </message>
    <message>
        <source>It is being measured.</source>
        <translation>Es wird gerade gemessen.</translation>
    </message>
    <message>
        <source>Another one is opening.</source>
        <translation>Ein anderes wird gerade geöffnet.</translation>
    </message>
    <message>
        <source>The model is busy</source>
        <translation>Das Modell ist beschäftigt</translation>
    </message>
    <message>
        <source>Check</source>
        <translation>Prüfung</translation>
    </message>
    <message>
        <source>Permissions</source>
        <translation>Berechtigungen</translation>
    </message>
    <message>
        <source>Pointer</source>
        <translation>Zeiger</translation>
    </message>
    <message>
        <source>Tour</source>
        <translation>Rundgang</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>Zurück</translation>
    </message>
    <message>
        <source>The page before</source>
        <translation>Die vorige Seite</translation>
    </message>
    <message>
        <source>The next page</source>
        <translation>Die nächste Seite</translation>
    </message>
    <message>
        <source>Models…</source>
        <translation>Modelle …</translation>
    </message>
    <message>
        <source>Page {number} of {all}: {words}</source>
        <translation>Seite {number} von {all}: {words}</translation>
    </message>
    <message>
        <source>Measure where clicks arrive</source>
        <translation>Messen, wo Klicks ankommen</translation>
    </message>
    <message>
        <source>the check cannot be started: {error}</source>
        <translation>die Prüfung lässt sich nicht starten: {error}</translation>
    </message>
    <message>
        <source>the measurement cannot be started: {error}</source>
        <translation>die Messung lässt sich nicht starten: {error}</translation>
    </message>
    <message>
        <source>Report written</source>
        <translation>Bericht geschrieben</translation>
    </message>
    <message>
        <source>Something is being tried on the desktop already.</source>
        <translation>Auf dem Desktop wird schon etwas ausprobiert.</translation>
    </message>
    <message>
        <source>This needs X11.</source>
        <translation>Dafür ist X11 nötig.</translation>
    </message>
    <message>
        <source>All bytes are here; comparing checksums…</source>
        <translation>Alle Bytes sind da; Prüfsummen werden verglichen …</translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation>noch {time}</translation>
    </message>
    <message>
        <source>Asking…</source>
        <translation>Anfrage läuft …</translation>
    </message>
    <message>
        <source>Waits for your yes</source>
        <translation>Wartet auf Ihr Ja</translation>
    </message>
    <message>
        <source>Fetching {share}</source>
        <translation>Wird geladen {share}</translation>
    </message>
    <message>
        <source>Paused at {share}</source>
        <translation>Unterbrochen bei {share}</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>Unterbrochen</translation>
    </message>
    <message>
        <source>Checking files {share}</source>
        <translation>Dateien werden geprüft {share}</translation>
    </message>
    <message>
        <source>about {time}</source>
        <translation>etwa {time}</translation>
    </message>
    <message>
        <source>Paused: {done} of {all} are here</source>
        <translation>Unterbrochen: {done} von {all} sind da</translation>
    </message>
    <message>
        <source>Going on…</source>
        <translation>Wird fortgesetzt …</translation>
    </message>
    <message>
        <source>Broken off; what came is kept</source>
        <translation>Abgebrochen; was da ist, bleibt</translation>
    </message>
    <message>
        <source>Empty the line</source>
        <translation>Zeile leeren</translation>
    </message>
</context>
</TS>
