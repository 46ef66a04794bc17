<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en">
<context>
    <name></name>
    <message numerus="yes">
        <source>%n element(s)</source>
        <translation>
            <numerusform>%n element</numerusform>
            <numerusform>%n elements</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n setting(s) changed, not saved yet.</source>
        <translation>
            <numerusform>%n setting changed, not saved yet.</numerusform>
            <numerusform>%n settings changed, not saved yet.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n rule(s) for applications, see `reticle rules`.</source>
        <translation>
            <numerusform>%n rule for applications, see `reticle rules`.</numerusform>
            <numerusform>%n rules for applications, see `reticle rules`.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n step(s)</source>
        <translation>
            <numerusform>%n step</numerusform>
            <numerusform>%n steps</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>{name}: %n file(s) not as recorded</source>
        <translation>
            <numerusform>{name}: %n file not as recorded</numerusform>
            <numerusform>{name}: %n files not as recorded</numerusform>
        </translation>
    </message>
</context>
</TS>
